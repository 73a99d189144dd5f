"""Tests of optistruct.spaces.probe."""

import json
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn import clone, config_context
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from optistruct import spaces
from optistruct.exceptions import SpaceError
from optistruct.spaces import Problem, probe
from optistruct.spaces.written import written

PROBLEM = Problem("regression", rows=90, features=4)


def tree(trial: Any) -> Any:
    return DecisionTreeRegressor(max_depth=trial.suggest_int("depth", 1, 9))


def selecting(names: list[str]) -> Pipeline:
    columns = ColumnTransformer([("kept", "passthrough", names)])
    return Pipeline([("columns", columns), ("tree", DecisionTreeRegressor())])


def scaling(by: np.ndarray) -> Pipeline:
    scaler = FunctionTransformer(np.multiply, kw_args={"by": by})
    return Pipeline([("scaler", scaler), ("tree", DecisionTreeRegressor())])


class Named(DecisionTreeRegressor):
    """Prints itself."""

    def __init__(self, names: str = "", max_depth: int = 1) -> None:
        super().__init__(max_depth=max_depth)
        self.names = names

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return str(super().__repr__(N_CHAR_MAX))


class TestProbe:
    def test_is_the_same_every_time(self) -> None:
        assert probe(spaces.mlp, PROBLEM, 0) == probe(spaces.mlp, PROBLEM, 0)

    def test_finds_conditional_parameters(self) -> None:
        found = probe(spaces.mlp, PROBLEM, 0).parameters
        assert {"layers", "units_1", "units_2", "units_3"} < set(found)
        assert list(found) == sorted(found)
        low_and_high = json.loads(found["units_3"])["attributes"]
        assert (low_and_high["low"], low_and_high["high"]) == (4, 256)

    @pytest.mark.parametrize(
        "structures",
        [
            [selecting([f"c{i}" for i in range(35)] + [last]) for last in ("c35", "c45")],
            [scaling(np.where(np.arange(2000) == 1000, 1.0, top)) for top in (2.0, 3.0)],
            [scaling(np.array([1.0, 2 + tiny])) for tiny in (0, 1e-12)],
        ],
        ids=["a long list", "a long array", "many digits"],
    )
    def test_leaves_nothing_out(self, structures: list[Any]) -> None:
        def space(structure: Any) -> Any:
            return lambda trial: clone(structure).set_params(
                tree__max_depth=trial.suggest_int("depth", 1, 9)
            )

        first, second = (probe(space(structure), PROBLEM, 0) for structure in structures)
        assert first.parameters == second.parameters
        assert first.structures != second.structures

    def test_of_an_estimator_that_prints_itself(self) -> None:
        text = "x" * 900
        spaces_of = [
            lambda trial, names=f"{text}{mark}{text}": Named(
                names, trial.suggest_int("depth", 1, 3)
            )
            for mark in "pq"
        ]
        first, second = (probe(space, PROBLEM, 0) for space in spaces_of)
        assert first.structures != second.structures

    def test_values_that_are_no_estimators_are_as_python_prints_them(self) -> None:
        for value in ({1: 5, 0: 1}, ["x" * 200] * 3, (5, 5), np.float64(0.5), range(3), b"a"):
            assert written(value) == repr(value)

    def test_a_large_array_is_told_by_a_hash(self) -> None:
        """Printed, it would take minutes: scikit-learn's printer writes all that is nested anew."""
        by = np.arange(200_000.0)
        text = written(make_pipeline(scaling(by), scaling(-by)))
        assert len(text) < 1000
        assert text == written(make_pipeline(scaling(by.copy()), scaling(-by)))

    def test_does_not_depend_on_how_a_process_prints(self) -> None:
        structure = scaling(np.array([1.23456789, 2.0]))

        def space(trial: Any) -> Any:
            return clone(structure).set_params(tree__max_depth=trial.suggest_int("depth", 1, 9))

        before = probe(space, PROBLEM, 0)
        with config_context(print_changed_only=False), np.printoptions(precision=3, threshold=1):
            assert probe(space, PROBLEM, 0) == before

    def test_does_not_depend_on_how_the_space_is_written(self) -> None:
        def other(trial: Any, problem: Problem) -> Any:
            depth = trial.suggest_int("depth", low=1, high=9)
            return DecisionTreeRegressor().set_params(max_depth=depth)

        assert probe(other, PROBLEM, 0) == probe(tree, PROBLEM, 0)

    def test_tells_spaces_of_other_structures_apart(self) -> None:
        def deeper(trial: Any) -> Any:
            return DecisionTreeRegressor(max_depth=trial.suggest_int("depth", 1, 9) + 1)

        assert probe(deeper, PROBLEM, 0).parameters == probe(tree, PROBLEM, 0).parameters
        assert probe(deeper, PROBLEM, 0).structures != probe(tree, PROBLEM, 0).structures

    def test_tells_spaces_of_other_bounds_apart(self) -> None:
        def wider(trial: Any) -> Any:
            return DecisionTreeRegressor(max_depth=trial.suggest_int("depth", 1, 10))

        assert probe(wider, PROBLEM, 0).parameters != probe(tree, PROBLEM, 0).parameters

    def test_depends_on_the_seed_of_the_structures(self) -> None:
        assert probe(tree, PROBLEM, 0).structures != probe(tree, PROBLEM, 1).structures

    def test_does_not_depend_on_addresses(self) -> None:
        def make() -> Any:
            class Kernel:
                pass

            def space(trial: Any) -> Any:
                return Ridge(alpha=trial.suggest_float("alpha", 0, 1), solver=Kernel())

            return space

        assert probe(make(), PROBLEM, 0) == probe(make(), PROBLEM, 0)

    def test_passes_over_a_structure_that_the_space_refuses(self) -> None:
        def picky(trial: Any) -> Any:
            depth = trial.suggest_int("depth", 1, 9)
            if depth == 4:
                raise optuna.TrialPruned
            return DecisionTreeRegressor(max_depth=depth)

        found = probe(picky, PROBLEM, 0)
        assert set(found.parameters) == {"depth"}
        assert found.structures != probe(tree, PROBLEM, 0).structures

    def test_keeps_optunas_log_level(self) -> None:
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            probe(tree, PROBLEM, 0)
            assert optuna.logging.get_verbosity() == optuna.logging.ERROR
        finally:
            optuna.logging.set_verbosity(before)

    @pytest.mark.parametrize("choices", [[1, 1.0, "sqrt"], [0, False]], ids=str)
    def test_refuses_choices_of_which_a_database_keeps_one(self, choices: Any) -> None:
        def space(trial: Any) -> Any:
            trial.suggest_categorical("size", choices)
            return tree(trial)

        with pytest.raises(SpaceError, match=r"two of the choices of 'size' are equal"):
            probe(space, PROBLEM, 0)

    def test_takes_a_choice_that_is_there_twice(self) -> None:
        def space(trial: Any) -> Any:
            trial.suggest_categorical("size", ["small", "small", "large"])
            return tree(trial)

        assert "size" in probe(space, PROBLEM, 0).parameters

    @pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
    @pytest.mark.parametrize("choices", [[(1, 2), (3, 4)], [np.int64(3), np.int64(4)]], ids=str)
    def test_refuses_choices_that_a_database_does_not_keep(self, choices: Any) -> None:
        def space(trial: Any) -> Any:
            trial.suggest_categorical("shape", choices)
            return DecisionTreeRegressor()

        with pytest.raises(SpaceError, match=r"the choices of 'shape' must be None or of type"):
            probe(space, PROBLEM, 0)

    def test_refuses_a_space_that_always_fails(self) -> None:
        def broken(trial: Any) -> Any:
            raise KeyError("depth")

        with pytest.raises(SpaceError, match="'broken' fails at every trial: KeyError: 'depth'"):
            probe(broken, PROBLEM, 0)

    def test_refuses_a_space_that_returns_no_estimator(self) -> None:
        def nothing(trial: Any) -> None:
            return None

        with pytest.raises(SpaceError, match="'nothing' must return an unfitted"):
            probe(nothing, PROBLEM, 0)
