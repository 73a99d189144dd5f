"""The record of what a study is of: its fingerprints, and its way through JSON."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import StratifiedKFold

from optistruct import recipe, spaces
from optistruct.exceptions import ArgumentError, StudyMismatchError
from optistruct.objectives import InferenceTime, ModelSize, Objective, ParameterCount, Score
from optistruct.spec import StoredObjective, StudySpec, fingerprint

PROBLEM = spaces.Problem("binary", rows=90, features=4, classes=2, categorical=(1, 3))


class Depth(Objective):
    """An objective of the user's own."""

    name = "depth"
    unit = "levels"
    scale = "log"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        return float(model.get_depth())


def spec_of(**parts: Any) -> StudySpec:
    defaults: dict[str, Any] = {
        "space": recipe.describe(spaces.decision_tree),
        "probe": spaces.probe(spaces.decision_tree, PROBLEM, 0),
        "objectives": (Score("accuracy"), ParameterCount(at_most=100)),
        "cv": recipe.describe(StratifiedKFold(3, shuffle=True, random_state=0)),
        "folds": "folds",
        "data": "data",
        "problem": PROBLEM,
        "seed": 0,
        "sampler": "tpe",
        "submodels": True,
        "racing": True,
        "source": None,
    }
    return StudySpec.here(**defaults | parts)


class TestFingerprint:
    @pytest.fixture
    def frame(self) -> pd.DataFrame:
        return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", None, "z"]})

    def test_of_a_copy_is_the_same(self, frame: pd.DataFrame) -> None:
        assert fingerprint(frame) == fingerprint(frame.copy())
        assert fingerprint(frame) == fingerprint(frame.set_axis([7, 8, 9]))  # rows' names are none

    @pytest.mark.parametrize(
        "change",
        [
            lambda f: f.assign(a=[1.0, 2.0, 3.0 + 1e-12]),
            lambda f: f.assign(b=["x", "y", "z"]),
            lambda f: f.rename(columns={"a": "A"}),
            lambda f: f[["b", "a"]],
            lambda f: f.iloc[[1, 0, 2]],
            lambda f: f.iloc[:2],
            lambda f: f.astype({"a": "float32"}),
            lambda f: f.drop(columns="b"),
        ],
        ids=[
            "value", "missing cell", "name", "columns' order", "rows' order", "fewer rows",
            "type", "fewer columns",
        ],
    )  # fmt: skip
    def test_differs(self, frame: pd.DataFrame, change: Any) -> None:
        assert fingerprint(change(frame)) != fingerprint(frame)

    def test_of_arrays(self) -> None:
        array = np.arange(6.0).reshape(3, 2)
        assert fingerprint(array) == fingerprint(np.asfortranarray(array))
        assert fingerprint(array) != fingerprint(array[::-1])
        assert fingerprint(array) != fingerprint(array[:, ::-1])
        assert fingerprint(array, array[:, 0]) != fingerprint(array, array[:, 1])
        assert fingerprint(array, array) != fingerprint(array)

    def test_of_a_target(self) -> None:
        assert fingerprint(np.array(["a", "b"])) != fingerprint(np.array(["b", "a"]))
        assert fingerprint(pd.Series([0, 1])) == fingerprint(pd.Series([0, 1], index=[5, 6]))

    def test_of_sparse_matrices(self) -> None:
        dense = np.array([[0, 1.0, 0], [2.0, 0, 0]])
        matrix = sparse.csr_matrix(dense)
        assert fingerprint(matrix) == fingerprint(sparse.csc_matrix(dense))
        assert fingerprint(matrix) == fingerprint(sparse.coo_matrix(dense))
        assert fingerprint(matrix) != fingerprint(matrix * 2)
        assert fingerprint(matrix) != fingerprint(matrix[::-1])
        assert fingerprint(matrix) != fingerprint(matrix[:, [1, 0, 2]])

    def test_of_sparse_matrices_with_more_empty_columns(self) -> None:
        narrow = sparse.csr_matrix(np.array([[0, 1.0], [2.0, 0]]))
        wide = sparse.csr_matrix(np.array([[0, 1.0, 0], [2.0, 0, 0]]))
        assert fingerprint(narrow) != fingerprint(wide)

    def test_of_sparse_matrices_is_of_their_values(self) -> None:
        """The order in which the entries of a row are kept makes no other matrix."""
        indptr = np.array([0, 2])
        sorted_ = sparse.csr_matrix((np.array([1.0, 2.0]), np.array([0, 1]), indptr))
        unsorted = sparse.csr_matrix((np.array([2.0, 1.0]), np.array([1, 0]), indptr))
        assert (sorted_ != unsorted).nnz == 0
        assert fingerprint(sorted_) == fingerprint(unsorted)


class TestJson:
    @pytest.mark.parametrize(
        "objectives",
        [
            (Score("accuracy"), ParameterCount()),
            (Score("neg_log_loss", at_most=0.4), InferenceTime(batch_size=8, at_most=50.5)),
            (Score("f1", label="F", at_least=0.5), ModelSize(at_least=1, at_most=1e6)),
        ],
    )
    def test_round_trip(self, objectives: tuple[Objective, ...]) -> None:
        spec = spec_of(objectives=objectives, space=recipe.describe(spaces.choice(spaces.linear)))
        again = StudySpec.from_json(json.loads(json.dumps(spec.to_json())))
        assert again == spec
        assert again.objectives == objectives
        again.check_same(spec, "t")

    def test_names_versions_and_machine(self) -> None:
        spec = spec_of()
        assert {"optistruct", "optuna", "scikit-learn", "lightgbm"} <= set(spec.machine["packages"])
        assert {"processor", "cores", "python"} <= set(spec.machine)

    def test_objective_of_the_users_own(self) -> None:
        class Hidden(Depth):
            name = "hidden"

        spec = spec_of(objectives=(Score("accuracy"), Hidden(at_most=4)))
        again = StudySpec.from_json(json.loads(json.dumps(spec.to_json())))
        stored = again.objectives[1]
        assert isinstance(stored, StoredObjective)
        assert (stored.name, stored.unit, stored.scale) == ("hidden", "levels", "log")
        assert (stored.direction, stored.at_most, stored.at_least) == ("minimize", 4, None)
        assert stored.violations(40) == {"hidden <= 4": pytest.approx(1)}
        assert stored.loss([100.0]).tolist() == [2.0]
        with pytest.raises(
            ArgumentError, match="'hidden' is defined outside optistruct: make the study again"
        ):
            stored.measure(None, None, None)
        again.check_same(spec, "t")  # what was read back is still the same study
        spec.check_same(again, "t")
        assert StudySpec.from_json(again.to_json()) == again

    def test_what_the_values_of_the_users_own_objective_are(self) -> None:
        class Slow(InferenceTime):
            name = "slow"

        stored = StudySpec.from_json(spec_of(objectives=(Slow(), Depth())).to_json()).objectives
        assert [(o.is_timed, o.estimates_submodels) for o in stored] == [(True,) * 2, (False,) * 2]

    def test_users_own_objective_is_told_from_another(self) -> None:
        spec = spec_of(objectives=(Score("accuracy"), Depth()))
        with pytest.raises(StudyMismatchError, match=r"other objectives: .*Depth"):
            spec_of(objectives=(Score("accuracy"), ModelSize())).check_same(spec, "t")

    def test_limit_of_the_users_own_objective(self) -> None:
        spec = spec_of(objectives=(Score("accuracy"), Depth(at_most=4)))
        with pytest.raises(StudyMismatchError, match="other objectives"):
            spec_of(objectives=(Score("accuracy"), Depth(at_most=5))).check_same(spec, "t")

    def test_limits_of_numpy(self) -> None:
        spec = spec_of(
            objectives=(Depth(at_most=np.int64(4)), ParameterCount(at_least=np.float32(2)))
        )
        again = StudySpec.from_json(json.loads(json.dumps(spec.to_json())))
        assert [(o.at_most, o.at_least) for o in again.objectives] == [(4, None), (None, 2.0)]
        again.check_same(spec, "t")

    def test_scorer_made_by_a_function(self) -> None:
        scorer = make_scorer(mean_absolute_error, greater_is_better=False)
        spec = spec_of(objectives=(Score(scorer), ParameterCount()))
        again = StudySpec.from_json(json.loads(json.dumps(spec.to_json())))
        assert again.objectives[0].name == "mean_absolute_error"
        again.check_same(spec, "t")

    def test_scorer_that_can_be_imported_no_more(self) -> None:
        """It keeps its name, by which its values are known."""
        stored = spec_of(objectives=(Score("accuracy"), ParameterCount())).to_json()
        scoring = {"scoring": {"import": "gone:profit"}}
        gone = {"call": "optistruct.objectives.score:Score", "with": scoring}
        stored["objectives"][0] |= {"name": "profit", "recipe": gone}
        again = StudySpec.from_json(json.loads(json.dumps(stored)))
        assert [objective.name for objective in again.objectives] == ["profit", "parameters"]
        with pytest.raises(ArgumentError, match="profit"):
            again.objectives[0].check_measurable()
        assert again.to_json()["objectives"][0]["name"] == "profit"


def test_a_record_of_another_version_is_told() -> None:
    study = optuna.create_study(study_name="t")
    stored = spec_of().to_json()
    del stored["racing"]
    study.set_user_attr(StudySpec.KEY, stored)
    with pytest.raises(StudyMismatchError, match=r"another version .*: its record lacks 'racing'"):
        StudySpec.of_study(study)
    stored = spec_of().to_json()
    stored["problem"]["weights"] = None
    study.set_user_attr(StudySpec.KEY, stored)
    with pytest.raises(StudyMismatchError, match=r"has what this one does not know \(.*'weights'"):
        StudySpec.of_study(study)


class TestCheckSame:
    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            ({"data": "x"}, r"other data: 90 rows of 4 columns then, 90 of 4 now \(the values"),
            (
                {"data": "x", "problem": replace(PROBLEM, rows=80)},
                "other data: 90 rows of 4 columns then, 80 of 4 now\n",
            ),
            (
                {"problem": replace(PROBLEM, task="regression", classes=0)},
                "another task: binary then, regression now",
            ),
            ({"seed": 8}, "another seed: 0 then, 8 now"),
            ({"cv": 5, "folds": "x"}, r"other folds: cv=StratifiedKFold\(.*\) then, cv=5 now"),
            ({"folds": "x"}, r"other folds: .* now \(the rows differ\)"),
            ({"objectives": (Score("accuracy"),)}, r"other objectives: .*at_most=100\) then, Sco"),
            (
                {"probe": spaces.probe(spaces.linear, PROBLEM, 0)},
                "another space: parameter 'max_depth' is gone",
            ),
        ],
        ids=["data", "rows", "task", "seed", "cv", "folds", "objectives", "space"],
    )
    def test_says_what_differs(self, parts: dict[str, Any], message: str) -> None:
        with pytest.raises(StudyMismatchError, match=f"'t' was made with .*:\n  - {message}"):
            spec_of(**parts).check_same(spec_of(), "t")

    @pytest.mark.parametrize(
        "parts",
        [
            {"sampler": "nsga2"},
            {"submodels": False, "racing": False},
            {"source": {"script": "/study.py"}},
            {"machine": {"processor": "other"}},
        ],
    )
    def test_may_change(self, parts: dict[str, Any]) -> None:
        replace(spec_of(), **parts).check_same(spec_of(), "t")

    def test_long_lists_are_cut(self) -> None:
        many = spaces.probe(spaces.choice(*spaces.FAMILIES.values()), PROBLEM, 0)
        with pytest.raises(StudyMismatchError, match=r"is new; .*; and \d+ more"):
            spec_of(probe=many).check_same(spec_of(), "t")

    def test_categories_are_listed(self) -> None:
        one = spaces.from_grid(spaces.build(spaces.decision_tree, _Fixed(), PROBLEM, 0), GRID_ONE)
        two = spaces.from_grid(spaces.build(spaces.decision_tree, _Fixed(), PROBLEM, 0), GRID_TWO)
        spec = spec_of(probe=spaces.probe(one, PROBLEM, 0))
        with pytest.raises(
            StudyMismatchError, match=r"'max_depth' was one of \[1, 2\], is one of \[1, 2, None\]"
        ):
            spec_of(probe=spaces.probe(two, PROBLEM, 0)).check_same(spec, "t")


GRID_ONE = {"max_depth": [1, 2]}
GRID_TWO = {"max_depth": [1, 2, None]}


class _Fixed:
    """Answers every question with the lowest value."""

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> int:
        return low
