"""Tests of optistruct.spaces.build."""

import functools
from typing import Any

import pytest
from optuna.trial import FixedTrial
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from sklearn.tree import DecisionTreeClassifier

from optistruct import spaces
from optistruct.exceptions import SpaceError
from optistruct.spaces import Problem, build, space_name

PROBLEM = Problem("binary", rows=100, features=4, classes=2)


def tree(trial: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 9))


def tree_of_problem(trial: Any, problem: Problem) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=problem.features)


class TestBuild:
    def test_seeds_splitters(self) -> None:
        def space(trial: Any) -> Any:
            return CalibratedClassifierCV(DecisionTreeClassifier(), cv=KFold(3, shuffle=True))

        made = build(space, FixedTrial({}), PROBLEM, 7)
        assert (made.cv.random_state, made.cv.n_splits) == (7, 3)

    def test_makes_an_estimator_of_its_own_where_a_space_has_one_for_all(self) -> None:
        shared = DecisionTreeClassifier()

        def space(trial: Any) -> Any:
            return shared.set_params(max_depth=trial.suggest_int("depth", 1, 9))

        shallow, deep = (build(space, FixedTrial({"depth": d}), PROBLEM, 0) for d in (2, 7))
        assert (shallow.max_depth, deep.max_depth) == (2, 7)
        assert shared.random_state is None

    def test_hands_the_trial_to_the_space(self) -> None:
        assert build(tree, FixedTrial({"depth": 3}), PROBLEM, 0).max_depth == 3

    def test_hands_the_problem_to_a_space_that_asks_for_it(self) -> None:
        assert build(tree_of_problem, FixedTrial({}), PROBLEM, 0).max_depth == 4

    def test_takes_partials_methods_and_objects(self) -> None:
        def deep(trial: Any, problem: Problem, depth: int = 2) -> Any:
            return DecisionTreeClassifier(max_depth=depth)

        class Space:
            def __call__(self, trial: Any) -> Any:
                return DecisionTreeClassifier(max_depth=8)

            def method(self, trial: Any, problem: Problem) -> Any:
                return DecisionTreeClassifier(max_depth=9)

        depths = [
            build(space, FixedTrial({}), PROBLEM, 0).max_depth
            for space in (deep, functools.partial(deep, depth=7), Space(), Space().method)
        ]
        assert depths == [2, 7, 8, 9]

    def test_sets_the_seed_in_nested_estimators_too(self) -> None:
        def space(trial: Any) -> Any:
            return make_pipeline(
                QuantileTransformer(), BaggingClassifier(DecisionTreeClassifier(), random_state=5)
            )

        parameters = build(space, FixedTrial({}), PROBLEM, 11).get_params()
        assert parameters["quantiletransformer__random_state"] == 11
        assert parameters["baggingclassifier__estimator__random_state"] == 11
        assert parameters["baggingclassifier__random_state"] == 5

    def test_lets_the_error_of_a_space_through(self) -> None:
        def space(trial: Any) -> Any:
            raise RuntimeError("no such structure")

        with pytest.raises(RuntimeError, match="no such structure"):
            build(space, FixedTrial({}), PROBLEM, 0)

    @pytest.mark.parametrize(
        "made", [None, 3, "tree", DecisionTreeClassifier, [DecisionTreeClassifier()]]
    )
    def test_refuses_what_cannot_be_fitted(self, made: Any) -> None:
        def odd(trial: Any) -> Any:
            return made

        with pytest.raises(SpaceError, match="'odd' must return an unfitted scikit-learn estimat"):
            build(odd, FixedTrial({}), PROBLEM, 0)

    @pytest.mark.parametrize("space", [None, 3, "lightgbm", DecisionTreeClassifier()])
    def test_refuses_what_cannot_be_called(self, space: Any) -> None:
        with pytest.raises(SpaceError, match=r"a space must be a function \(trial\) or \(trial,"):
            build(space, FixedTrial({}), PROBLEM, 0)

    def test_refuses_other_arguments(self) -> None:
        def other(trial: Any, depth: int, width: int) -> None: ...

        def nothing() -> None: ...

        with pytest.raises(SpaceError, match=r"'other' must take .* got \(trial, depth, width\)"):
            build(other, FixedTrial({}), PROBLEM, 0)
        with pytest.raises(SpaceError, match=r"'nothing' must take .* got \(\)"):
            build(nothing, FixedTrial({}), PROBLEM, 0)


class TestSpaceName:
    def test_is_the_functions_own(self) -> None:
        assert space_name(tree) == "tree"
        assert space_name(functools.partial(tree)) == "tree"

    def test_is_the_name_of_an_object_or_else_its_class(self) -> None:
        class Deep:
            def __call__(self, trial: Any) -> None: ...

        class Named(Deep):
            name = "shallow"

        assert space_name(Deep()) == "Deep"
        assert space_name(Named()) == "shallow"
        assert space_name(spaces.tabular(tree)) == "tabular"
        assert space_name(spaces.from_grid(DecisionTreeClassifier(), {})) == (
            "DecisionTreeClassifier"
        )


def test_by_name_refuses_an_unknown_space_with_the_nearest_first() -> None:
    with pytest.raises(
        spaces.UnknownNameError, match=r"unknown space 'lightgmb'; known, nearest first: lightgbm,"
    ):
        spaces.by_name("lightgmb")
