"""Tests of optistruct.spaces.dry_run."""

import math
import re
import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial
from sklearn.tree import DecisionTreeClassifier

from optistruct import spaces
from optistruct.exceptions import ArgumentError, UnknownNameError
from optistruct.spaces import Problem, check_parameters, limited, require
from optistruct.spaces.dry_run import fitted_parameters

PROBLEM = Problem("binary", rows=300, features=8, classes=2)


def space(trial: Any) -> Any:
    trial.suggest_int("even", 2, 10, step=2)
    trial.suggest_int("rounds", 1, 100, log=True)
    trial.suggest_float("rate", 0.01, 1.0, log=True)
    trial.suggest_float("share", 0.0, 1.0, step=0.25)
    trial.suggest_float("tenths", 0.0, 0.3, step=0.1)  # three steps of 0.1 are more than 0.3
    trial.suggest_categorical("weights", [None, True, "distance", 2, math.nan])
    return DecisionTreeClassifier()


class TestCheckParameters:
    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"even": 10, "rounds": 1, "rate": 1, "share": 0.75, "weights": "distance"},
            {"rate": np.float64(0.5)},
            {"weights": None},
            {"weights": True},
            {"weights": 2.0},
            {"weights": math.nan},
        ],
    )
    def test_passes_what_the_space_asks_for(self, params: dict[str, Any]) -> None:
        check_parameters(space, PROBLEM, params)

    def test_hands_them_out_as_a_database_keeps_them(self) -> None:
        given = {"rate": 1, "share": np.float64(0.5), "weights": 2.0}
        kept = check_parameters(space, PROBLEM, given)
        assert [(value, type(value)) for value in kept.values()] == [
            (1.0, float),
            (0.5, float),
            (2, int),
        ]
        fitted = fitted_parameters(space, PROBLEM, {"rate": 7, "weights": 2.0})
        assert [(value, type(value)) for value in fitted.values()] == [(1.0, float), (2, int)]

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"even": 12}, "even must be from 2 to 10 in steps of 2, got 12"),
            ({"even": 3}, "even must be from 2 to 10 in steps of 2, got 3"),
            ({"rounds": 0}, "rounds must be from 1 to 100, got 0"),
            ({"rounds": 5.0}, "rounds must be of type int, from 1 to 100, got 5.0"),
            ({"rounds": True}, "rounds must be of type int, from 1 to 100, got True"),
            ({"rounds": "5"}, "rounds must be of type int, from 1 to 100, got '5'"),
            ({"rounds": np.int64(5)}, "rounds must be of type int, from 1 to 100, got np.int64(5)"),
            ({"rounds": None}, "rounds must be of type int, from 1 to 100, got None"),
            ({"rate": -1}, "rate must be from 0.01 to 1.0, got -1"),
            ({"rate": math.nan}, "rate must be from 0.01 to 1.0, got nan"),
            ({"rate": math.inf}, "rate must be from 0.01 to 1.0, got inf"),
            ({"rate": 10**400}, "rate must be from 0.01 to 1.0, got 1000"),
            ({"rate": "fast"}, "rate must be of type float, from 0.01 to 1.0, got 'fast'"),
            ({"share": 0.3}, "share must be from 0.0 to 1.0 in steps of 0.25, got 0.3"),
            ({"weights": 1}, "weights must be one of None, True, 'distance', 2, nan, got 1"),
            ({"weights": "uniform"}, "weights must be one of None, True, 'distance', 2, nan, got"),
            ({"weights": np.zeros(2)}, "weights must be one of None, True, 'distance', 2, nan,"),
        ],
    )
    def test_refuses_a_value_with_the_range_and_what_came(
        self, params: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ArgumentError, match=f"^{re.escape(message)}"):
            check_parameters(space, PROBLEM, params)

    def test_refuses_a_name_that_is_never_asked_for_with_those_that_are(self) -> None:
        with pytest.raises(
            UnknownNameError,
            match=r"unknown parameter of the space 'space' .* 'round'; known, nearest first: round",
        ):
            check_parameters(space, PROBLEM, {"round": 5})

    def test_refuses_a_conditional_name_without_its_condition(self) -> None:
        check_parameters(spaces.mlp, PROBLEM, {"layers": 2, "units_2": 8})
        with pytest.raises(UnknownNameError, match=r"needs its condition beside it.* 'units_2'"):
            check_parameters(spaces.mlp, PROBLEM, {"units_2": 8})
        families = spaces.choice(spaces.linear, spaces.decision_tree)
        with pytest.raises(UnknownNameError, match=r"'max_depth'; known, .*family"):
            check_parameters(families, PROBLEM, {"family": "linear", "max_depth": 3})

    @pytest.mark.parametrize("params", [None, 3, "rounds", [("rounds", 3)]])
    def test_refuses_what_is_no_mapping(self, params: Any) -> None:
        with pytest.raises(ArgumentError, match="params must map parameters' names to values"):
            check_parameters(space, PROBLEM, params)

    def test_knows_no_limits(self) -> None:
        def costly(trial: Any) -> Any:
            require(trial, parameters=1000)
            return space(trial)

        with limited({"parameters": 5}):
            check_parameters(costly, PROBLEM, {"rounds": 5})
            with pytest.raises(ArgumentError, match="rounds must be from 1 to 100"):
                check_parameters(costly, PROBLEM, {"rounds": 500})

    def test_follows_a_space_that_refuses_the_structure_as_far_as_it_comes(self) -> None:
        def picky(trial: Any) -> Any:
            if trial.suggest_int("depth", 1, 9) < 3:
                raise optuna.TrialPruned
            return DecisionTreeClassifier(min_samples_leaf=trial.suggest_int("leaf", 1, 9))

        check_parameters(picky, PROBLEM, {"leaf": 3})
        with pytest.raises(ArgumentError, match="depth must be from 1 to 9"):
            check_parameters(picky, PROBLEM, {"depth": 0})

    def test_lets_the_error_of_a_space_through(self) -> None:
        def broken(trial: Any) -> Any:
            raise RuntimeError("no such structure")

        with pytest.raises(RuntimeError, match="no such structure"):
            check_parameters(broken, PROBLEM, {})

    def test_does_not_change_the_parameters(self) -> None:
        params = {"rounds": 5}
        check_parameters(space, PROBLEM, params)
        assert params == {"rounds": 5}


@given(
    params=st.fixed_dictionaries(
        {},
        optional={
            "even": st.integers(),
            "rounds": st.integers(),
            "rate": st.floats(allow_nan=False),
            "share": st.floats(allow_nan=False),
            "tenths": st.floats(allow_nan=False),
        },
    )
)
def test_fitted_parameters_are_in_range_and_in_place(params: dict[str, Any]) -> None:
    fitted = fitted_parameters(space, PROBLEM, params)
    assert fitted.keys() == params.keys()
    check_parameters(space, PROBLEM, fitted)
    assert fitted_parameters(space, PROBLEM, fitted) == fitted
    rest = {"even": 2, "rounds": 1, "rate": 0.1, "share": 0.5, "tenths": 0.1, "weights": None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        space(FixedTrial(rest | fitted))
