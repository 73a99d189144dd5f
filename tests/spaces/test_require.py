"""Tests of optistruct.spaces.require."""

import math
import pickle
import threading
from decimal import Decimal
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial, TrialState
from sklearn.neural_network import MLPClassifier

from optistruct import spaces
from optistruct.exceptions import ArgumentError
from optistruct.spaces import LimitBroken, Problem, build, limited, require

PROBLEM = Problem("binary", rows=90, features=10, classes=2)
TRIAL = FixedTrial({})


def perceptron(trial: Any, problem: Problem) -> Any:
    inputs, parameters, widths = problem.features, 0, []
    for layer in range(trial.suggest_int("layers", 1, 3)):
        width = trial.suggest_int(f"units_{layer}", 1, 100)
        parameters += (inputs + 1) * width
        require(trial, parameters=parameters)
        widths.append(width)
        inputs = width
    return MLPClassifier(widths)


class TestRequire:
    def test_ends_a_structure_above_a_limit(self) -> None:
        with limited({"parameters": 20_000}), pytest.raises(LimitBroken) as caught:
            require(TRIAL, parameters=20_001)
        broken = caught.value
        assert (broken.name, broken.figure, broken.limit) == ("parameters", 20_001, 20_000)
        assert isinstance(broken, optuna.TrialPruned)
        assert str(broken) == (
            "parameters <= 20000: whatever is built from here on has at least 20001"
        )

    @given(least=st.floats(0, 1e300), limit=st.floats(-1e300, 1e300))
    def test_breaks_exactly_what_is_above_the_limit(self, least: float, limit: float) -> None:
        with limited({"size": limit}):
            if least > limit:
                with pytest.raises(LimitBroken, match="size <= "):
                    require(TRIAL, size=least)
            else:
                require(TRIAL, size=least)

    def test_does_nothing_without_limits_or_with_others(self) -> None:
        require(TRIAL, parameters=1e9)
        with limited({}):
            require(TRIAL, parameters=1e9)
        with limited({"size": 5}):
            require(TRIAL, parameters=1e9, operations=1e9)

    def test_names_the_first_of_several_limits_that_is_broken(self) -> None:
        with (
            limited({"size": 1, "operations": 1}),
            pytest.raises(LimitBroken, match="operations <= 1: "),
        ):
            require(TRIAL, parameters=9, operations=9, size=9)

    def test_takes_numpys_numbers(self) -> None:
        with limited({"size": np.float32(4)}), pytest.raises(LimitBroken, match="size <= 4: "):
            require(TRIAL, size=np.int64(5))

    @pytest.mark.parametrize(
        "figure", [True, -1, -0.5, math.nan, math.inf, "12", None, 1j, Decimal(3), [3], 10**400]
    )
    @pytest.mark.parametrize("limits", [{}, {"parameters": 5.0}])
    def test_refuses_what_is_no_figure(self, figure: Any, limits: dict[str, float]) -> None:
        with (
            limited(limits),
            pytest.raises(ArgumentError, match="parameters must be the least that the structure "),
        ):
            require(TRIAL, parameters=figure)

    def test_refuses_no_figure_at_all(self) -> None:
        with pytest.raises(ArgumentError, match="require needs at least one figure"):
            require(TRIAL)

    def test_refuses_a_forgotten_trial(self) -> None:
        with pytest.raises(ArgumentError, match=r"trial must be the trial .* got 12000"):
            require(12_000, parameters=12_000)  # type: ignore[arg-type]

    def test_can_be_pickled(self) -> None:
        broken = pickle.loads(pickle.dumps(LimitBroken("size", 3.0, 2.0)))
        assert (broken.name, broken.figure, broken.limit) == ("size", 3.0, 2.0)
        assert str(broken).startswith("size <= 2: ")


class TestLimited:
    def test_ends_with_its_block_whatever_happens(self) -> None:
        with pytest.raises(KeyError), limited({"size": 1}):
            raise KeyError
        require(TRIAL, size=2)

    def test_the_inner_of_two_replaces_the_outer(self) -> None:
        with limited({"size": 1}):
            with limited({"operations": 1}):
                require(TRIAL, size=2)
            with pytest.raises(LimitBroken, match="size <= 1"):
                require(TRIAL, size=2)

    def test_keeps_the_limits_as_they_were(self) -> None:
        limits = {"size": 5.0}
        with limited(limits):
            limits["size"] = 1.0
            require(TRIAL, size=2)

    def test_does_not_hold_in_another_thread(self) -> None:
        passed = []
        with limited({"size": 1}):
            other = threading.Thread(target=lambda: passed.append(require(TRIAL, size=2)))
            other.start()
            other.join()
        assert passed == [None]

    @pytest.mark.parametrize("limit", [True, math.nan, math.inf, "20000", None])
    def test_refuses_what_is_no_limit(self, limit: Any) -> None:
        with (
            pytest.raises(ArgumentError, match=r"limits\['size'\] must be a finite number, got"),
            limited({"size": limit}),
        ):
            pass

    def test_refuses_what_is_no_mapping(self) -> None:
        with pytest.raises(ArgumentError, match="limits must map objectives"), limited([5]):  # type: ignore[arg-type]
            pass


class TestInASpace:
    def test_leaves_a_branch_at_the_layer_that_breaks_the_limit(self) -> None:
        trial = FixedTrial({"layers": 3, "units_0": 100, "units_1": 5, "units_2": 5})
        with limited({"parameters": 1000}), pytest.raises(LimitBroken, match="at least 1100"):
            build(perceptron, trial, PROBLEM, 0)
        assert set(trial.params) == {"layers", "units_0"}
        assert build(perceptron, trial, PROBLEM, 0).hidden_layer_sizes == [100, 5, 5]

    def test_sees_through_a_choice(self) -> None:
        trial = FixedTrial(
            {"family": "perceptron", "perceptron.layers": 1, "perceptron.units_0": 100}
        )
        with limited({"parameters": 1000}), pytest.raises(LimitBroken, match="at least 1100"):
            build(spaces.choice(spaces.linear, perceptron), trial, PROBLEM, 0)

    def test_prunes_a_trial_of_plain_optuna(self) -> None:
        study = optuna.create_study(sampler=RandomSampler(seed=0))

        def objective(trial: optuna.Trial) -> float:
            return float(len(build(perceptron, trial, PROBLEM, 0).hidden_layer_sizes))

        study.optimize(objective, n_trials=5)
        with limited({"parameters": 10}):
            study.optimize(objective, n_trials=5)
        states = [trial.state for trial in study.trials]
        assert states == [TrialState.COMPLETE] * 5 + [TrialState.PRUNED] * 5
