"""Tests of optistruct.recipe."""

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import fbeta_score
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import objectives, recipe, spaces
from optistruct.exceptions import RecipeError
from optistruct.recipe import Opaque, describe, is_whole, restore, text
from optistruct.spaces import Problem

PROBLEM = Problem("binary", rows=90, features=4, classes=2)


def stored(thing: Any) -> Any:
    """Describe, as a database would hand it back."""
    return json.loads(json.dumps(describe(thing)))


class Plain:
    """Not of a package whose classes a recipe may call."""

    def __init__(self, size: int) -> None:
        self.size = size


class TestValues:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            3,
            0.1,
            "text",
            [1, "a", None],
            (1, (2, [3])),
            {"a": 1, "b": [None, (1,)]},
            {1: "a", None: "b", (1, 2): "c"},
            [],
            (),
            {},
        ],
    )
    def test_come_back_equal_and_of_their_type(self, value: Any) -> None:
        made = restore(stored(value))
        assert made == value
        assert type(made) is type(value)

    @pytest.mark.parametrize(
        ("value", "plain"), [(np.int64(3), 3), (np.float64(0.5), 0.5), (np.bool_(True), True)]
    )
    def test_of_numpy_become_plain(self, value: Any, plain: Any) -> None:
        made = restore(stored(value))
        assert made == plain
        assert type(made) is type(plain)


class TestNames:
    @pytest.mark.parametrize(
        "thing", [spaces.lightgbm, np.mean, DecisionTreeClassifier, json.JSONDecoder.decode, len]
    )
    def test_of_what_can_be_imported_come_back(self, thing: Any) -> None:
        assert restore(stored(thing)) is thing

    def test_of_partials_come_back(self) -> None:
        made = restore(stored(functools.partial(fbeta_score, [0, 1, 1], beta=2)))
        assert made([0, 1, 1]) == 1.0

    def test_of_partials_of_other_packages_are_opaque(self) -> None:
        """A database must not say what function is called with what arguments."""
        made = restore(stored(functools.partial(subprocess.run, "exit")))
        assert made == Opaque("run('exit')")

    def test_of_modules_that_fail_are_opaque(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "fails_on_import.py").write_text("raise RuntimeError('not today')")
        monkeypatch.syspath_prepend(tmp_path)
        made = restore({"import": "fails_on_import:space"})
        assert made == Opaque("fails_on_import:space")

    def test_of_what_only_this_process_has_are_opaque(self) -> None:
        def local(trial: Any) -> None: ...

        for thing, name in [
            (local, "TestNames.test_of_what_only_this_process_has_are_opaque.<locals>.local"),
            (lambda trial: None, "<lambda>"),
        ]:
            [(kind, said)] = stored(thing).items()
            assert kind == "opaque"
            assert said.endswith(name)
            assert restore(stored(thing)) == Opaque(said)

    def test_of_the_main_script_are_opaque(self, monkeypatch: pytest.MonkeyPatch) -> None:
        main = sys.modules["__main__"]

        def space(trial: Any) -> None: ...

        space.__module__, space.__qualname__ = "__main__", "space"
        monkeypatch.setattr(main, "space", space, raising=False)
        assert stored(space) == {"opaque": "space"}

    @pytest.mark.parametrize("path", ["no_such_module:space", "optistruct.spaces:no_such_space"])
    def test_that_are_gone_become_opaque(self, path: str) -> None:
        assert restore({"import": path}) == Opaque(path)


class TestObjects:
    def test_that_hold_more_than_their_parameters_become_opaque(self) -> None:
        fitted = FrozenEstimator(StandardScaler().fit([[0.0], [1.0]]))
        told = StandardScaler().set_output(transform="pandas")
        for thing in (fitted, told, Pipeline([("scale", told)])):
            assert not is_whole(stored(thing))

    @pytest.mark.parametrize(
        "thing",
        [
            DecisionTreeClassifier(max_depth=3, class_weight={0: 1, 1: 2}),
            RandomForestClassifier(7),  # which sets more than its parameters
            KNeighborsClassifier(3),
            LGBMClassifier(n_estimators=7, n_jobs=1),
            LGBMClassifier(n_estimators=7, extra_trees=True, max_bin=15),
            Pipeline([("scale", StandardScaler()), ("tree", DecisionTreeClassifier())]),
            StratifiedKFold(7, shuffle=True, random_state=1),
            GroupKFold(3),
            TimeSeriesSplit(4, gap=2),
        ],
        ids=lambda thing: type(thing).__name__,
    )
    def test_of_scikit_learn_and_lightgbm_come_back(self, thing: Any) -> None:
        made = restore(stored(thing))
        assert made is not thing
        assert type(made) is type(thing)
        assert repr(made) == repr(thing)
        assert stored(made) == stored(thing)

    @pytest.mark.parametrize(
        "space",
        [
            spaces.choice(spaces.linear, spaces.decision_tree),
            spaces.tabular(spaces.choice(spaces.lightgbm)),
            spaces.pipeline(spaces.scaler, StandardScaler(), None, spaces.linear),
            spaces.from_grid(DecisionTreeClassifier(), {"max_depth": [None, 3]}),
            spaces.from_grid(
                DecisionTreeClassifier(), [{"max_depth": [1]}, {"splitter": ["best"]}]
            ),
        ],
        ids=spaces.space_name,
    )
    def test_spaces_come_back_and_propose_the_same(self, space: Any) -> None:
        made = restore(stored(space))
        assert stored(made) == stored(space)
        assert spaces.probe(made, PROBLEM, 0) == spaces.probe(space, PROBLEM, 0)

    def test_say_only_what_differs_from_the_default(self) -> None:
        assert stored(DecisionTreeClassifier(max_depth=3))["with"] == {"max_depth": 3}
        assert stored(objectives.ParameterCount(at_most=5))["with"] == {"at_most": 5}

    def test_of_other_packages_are_opaque(self) -> None:
        assert set(stored(Plain(3))) == {"opaque"}
        assert set(stored(np.random.default_rng(0))) == {"opaque"}

    def test_are_never_called_for_a_recipe_of_another_package(self) -> None:
        for call in ("subprocess:Popen", "builtins:print", "collections:OrderedDict"):
            made = restore({"call": call, "with": {"args": "true"}})
            assert isinstance(made, Opaque)

    def test_are_not_called_through_a_trusted_module_that_imports_them(self) -> None:
        made = restore({"call": "sklearn.base:defaultdict", "with": {}})
        assert isinstance(made, Opaque)
        assert isinstance(restore({"call": "sklearn.base:warnings.warn", "with": {}}), Opaque)

    def test_that_name_no_class_become_opaque(self) -> None:
        made = restore({"call": "sklearn.tree:NoSuchTree", "with": {"depth": 3}})
        assert made == Opaque("NoSuchTree(depth=3)")

    @pytest.mark.parametrize("thing", [range(3), {1, 2}, b"x", slice(1), np.arange(3), 1j])
    def test_without_a_recipe_are_named(self, thing: Any) -> None:
        assert set(stored(thing)) == {"opaque"}

    def test_whose_class_has_changed_become_opaque(self) -> None:
        gone = {"call": "sklearn.tree:DecisionTreeClassifier", "with": {"presort": True}}
        assert restore(gone) == Opaque("DecisionTreeClassifier(presort=True)")


class TestOpaque:
    def test_tells_the_remedy_when_it_is_called(self) -> None:
        with pytest.raises(
            RecipeError, match=r"'my\.space' cannot be imported by name .*load_study\(\.\.\., space"
        ):
            Opaque("my.space")(None)

    def test_stays_what_it_is(self) -> None:
        assert restore(stored(Opaque("space"))) == Opaque("space")

    def test_has_no_address_in_its_name(self) -> None:
        first, second = (stored(object()) for _ in range(2))
        assert first == second == {"opaque": "<object object>"}


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (None, "None"),
        ("a", "'a'"),
        ([1, (2, "x")], "[1, (2, 'x')]"),
        ({"a": 1}, "{'a': 1}"),
        (objectives.Score("r2"), "Score(scoring='r2')"),
        (objectives.InferenceTime(batch_size=8, at_most=50), "InferenceTime(at_most=50, batch"),
        (spaces.tabular(spaces.lightgbm), "Tabular(space=lightgbm)"),
        (spaces.choice(spaces.linear, spaces.mlp), "Choice(spaces=(linear, mlp))"),
        (functools.partial(spaces.mlp, problem=None), "mlp(problem=None)"),
        (StratifiedKFold(7), "StratifiedKFold(n_splits=7)"),
        (Opaque("mine"), "mine"),
    ],
)
def test_text_is_what_a_person_would_write(thing: Any, said: str) -> None:
    assert text(stored(thing)).startswith(said)


def test_a_recipe_of_a_recipe_is_stable() -> None:
    space = spaces.pipeline(spaces.scaler, spaces.choice(spaces.mlp, spaces.linear))
    assert stored(restore(stored(space))) == stored(space)
    assert recipe.text(stored(space)) == "Pipeline(steps=(scaler, Choice(spaces=(mlp, linear))))"
