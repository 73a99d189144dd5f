"""Tests of optistruct.spaces.starts."""

import warnings
from functools import partial
from typing import Any

import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FixedTrial
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from optistruct import spaces
from optistruct.exceptions import ArgumentError, UnknownNameError
from optistruct.resources import count_parameters
from optistruct.spaces import (
    FAMILIES,
    Problem,
    build,
    check_parameters,
    choice,
    from_grid,
    pipeline,
    starting_with,
    starts,
    tabular,
)

BINARY = Problem("binary", rows=300, features=8, classes=2)
PROBLEMS = [
    BINARY,
    Problem("multiclass", rows=300, features=8, classes=5),
    Problem("regression", rows=300, features=8),
    Problem("binary", rows=12, features=1, classes=2),
    Problem("binary", rows=300, features=8, classes=2, categorical=(0, 2), empty=(5,)),
]


@starting_with({"depth": 2}, {"depth": 6}, {"depth": 60})
def tree(trial: Any) -> Any:
    return DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 9))


def plain(trial: Any) -> Any:
    return DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 9))


def asked(space: Any, problem: Problem, params: dict[str, Any]) -> dict[str, Any]:
    """Build a structure with warnings as errors, and hand out all that the space asked."""
    trial = FixedTrial(params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(space, trial, problem, 0)
    return trial.params


class TestOfFamilies:
    @pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.task)
    @pytest.mark.parametrize("family", FAMILIES)
    def test_are_exactly_what_the_family_asks_for(self, family: str, problem: Problem) -> None:
        for space in (FAMILIES[family], tabular(FAMILIES[family])):
            found = starts(space, problem)
            assert 2 <= len(found) <= 4
            for start in found:
                assert asked(space, problem, start) == start

    @pytest.mark.parametrize("family", FAMILIES)
    def test_are_within_the_ranges_of_a_table_of_usual_size(self, family: str) -> None:
        space: Any = FAMILIES[family]
        assert starts(space, BINARY) == list(space.starts)

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_begin_with_the_cheapest(self, family: str, multiclass: Any) -> None:
        X, y = multiclass
        problem = Problem.from_data(X, y)
        space = FAMILIES[family]
        first, *others = (
            count_parameters(build(space, FixedTrial(start), problem, 0).fit(X, y)).effective
            for start in starts(space, problem)[:3]
        )
        assert all(first <= other for other in others)

    def test_move_into_the_ranges_of_a_small_table(self) -> None:
        small = Problem("binary", rows=12, features=1, classes=2)
        neighbors = [start["n_neighbors"] for start in starts(spaces.nearest_neighbors, small)]
        assert neighbors == [1, 5, 6, 6]


class TestOfChoice:
    def test_take_turns_level_by_level(self) -> None:
        space = choice(tree, spaces.mlp)
        found = starts(space, BINARY)
        assert [start["family"] for start in found] == ["tree", "mlp"] * 3 + ["mlp"]
        assert found[0] == {"family": "tree", "tree.depth": 2}
        assert found[1]["mlp.units_1"] == 4
        for start in found:
            assert asked(space, BINARY, start) == start

    def test_have_two_levels_where_there_are_many_families(self) -> None:
        space = tabular(choice(*FAMILIES.values()))
        found = starts(space, PROBLEMS[-1])
        assert [start["family"] for start in found] == [*FAMILIES, *FAMILIES]
        for start in found:
            assert asked(space, PROBLEMS[-1], start) == start

    def test_try_a_family_without_any_once(self) -> None:
        found = starts(choice(plain, tree), BINARY)
        assert found[:2] == [{"family": "plain"}, {"family": "tree", "tree.depth": 2}]
        assert [start["family"] for start in found[2:]] == ["tree", "tree"]

    def test_nest(self) -> None:
        space = choice(pipeline(StandardScaler(), choice(plain, tree)), spaces.linear)
        assert starts(space, BINARY)[0] == {"family": "pipeline", "pipeline.family": "plain"}
        assert {"family": "pipeline", "pipeline.family": "tree", "pipeline.tree.depth": 9} in (
            starts(space, BINARY)
        )


class TestOfOtherSpaces:
    def test_a_pipeline_has_those_of_its_model(self) -> None:
        space = pipeline(spaces.scaler, spaces.pca, tree)
        assert starts(space, BINARY) == [{"depth": 2}, {"depth": 6}, {"depth": 9}]
        assert starts(pipeline(spaces.scaler, SVC()), BINARY) == []

    def test_a_grid_has_the_estimators_own_values_that_it_holds(self) -> None:
        grid = {"max_depth": [2, 4, None], "min_samples_leaf": [5, 9], "criterion": ["gini"]}
        space = from_grid(DecisionTreeClassifier(), grid)
        assert starts(space, BINARY) == [{"max_depth": None, "criterion": "gini"}]

    def test_a_grid_of_objects_has_them_as_the_space_asks_for_them(self) -> None:
        model = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())])
        grid = {"scale": ["passthrough", StandardScaler(), MinMaxScaler()], "model__C": [1.0, 9.0]}
        found = starts(from_grid(model, grid), BINARY)
        assert found == [{"scale": "StandardScaler()", "model__C": 1.0}]
        assert asked(from_grid(model, grid), BINARY, found[0]) == found[0]

    def test_several_grids_have_the_first_that_holds_any(self) -> None:
        space = from_grid(SVC(), [{"C": [5.0]}, {"C": [1.0], "kernel": ["rbf", "poly"]}])
        assert starts(space, BINARY) == [{"grid": 1, "1.C": 1.0, "1.kernel": "rbf"}]

    def test_a_grid_without_any_of_them_has_none(self) -> None:
        assert starts(from_grid(RandomForestClassifier(), {"n_estimators": [5]}), BINARY) == []
        assert starts(from_grid(RandomForestClassifier(), {"max_features": [1]}), BINARY) == []

    def test_any_other_function_has_none(self) -> None:
        class Odd:
            def starts(self) -> None: ...

            def __call__(self, trial: Any) -> Any:
                return plain(trial)

        for space in (plain, partial(tree), Odd()):
            assert starts(space, BINARY) == []


class TestStartingWith:
    def test_hands_the_same_function_back(self) -> None:
        def space(trial: Any) -> Any:
            return plain(trial)

        assert starting_with({"depth": 1})(space) is space
        assert starts(space, BINARY) == [{"depth": 1}]

    def test_leaves_out_what_is_the_same_within_the_ranges(self) -> None:
        space = starting_with({"depth": 90}, {"depth": 9}, {"depth": 99})(partial(plain))
        assert starts(space, BINARY) == [{"depth": 9}]

    @pytest.mark.parametrize("start", [3, "depth", None, [("depth", 3)], {3: "depth"}])
    def test_refuses_what_is_no_mapping_of_names(self, start: Any) -> None:
        with pytest.raises(ArgumentError, match="a start must map parameters' names to values"):
            starting_with({"depth": 1}, start)

    def test_refuses_a_name_that_is_never_asked_for(self) -> None:
        space = starting_with({"dpth": 1})(partial(plain))
        with pytest.raises(UnknownNameError, match="'dpth'; known, nearest first: depth"):
            starts(space, BINARY)

    def test_refuses_a_value_that_cannot_be_moved_into_the_range(self) -> None:
        space = starting_with({"depth": "deep"})(partial(plain))
        with pytest.raises(ArgumentError, match="depth must be of type int, from 1 to 9, got 'd"):
            starts(space, BINARY)
        space = starting_with({"penalty": "lasso"})(partial(spaces.linear))
        with pytest.raises(ArgumentError, match="penalty must be one of 'ridge', 'elastic_net'"):
            starts(space, BINARY)


@pytest.mark.parametrize("sampler", [RandomSampler, TPESampler])
def test_leave_the_rest_to_optunas_sampler(sampler: Any) -> None:
    space = pipeline(spaces.scaler, tree)
    study = optuna.create_study(sampler=sampler(seed=0))
    for start in starts(space, BINARY):
        study.enqueue_trial(start)
    for depth in (2, 6, 9):
        trial = study.ask()
        build(space, trial, BINARY, 0)
        study.tell(trial, 0.0)
        assert trial.params["depth"] == depth
        assert set(trial.params) == {"depth", "scaler.kind"}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_start_of_every_family_can_be_enqueued(name: str) -> None:
    for start in starts(FAMILIES[name], BINARY):
        check_parameters(FAMILIES[name], BINARY, start)
