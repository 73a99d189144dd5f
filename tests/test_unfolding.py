"""Tests of optistruct.unfolding."""

import math
from typing import Any

import numpy as np
import pytest
from optuna.trial import FrozenTrial, create_trial

from optistruct.evaluation import Curve, Evaluation, Remeasurement
from optistruct.objectives import ModelSize, ParameterCount, Score
from optistruct.unfolding import EVALUATION, feasible_losses, losses, nest, remeasured_key, unfold

OBJECTIVES = (Score("accuracy"), ParameterCount(at_most=50), ModelSize())
FOLDS = {"accuracy": (0.8, 0.9), "parameters": (80.0, 90.0), "size": (1000.0, 1000.0)}
CURVE = Curve(
    "trees",
    (2, 5),
    {
        "accuracy": ((0.5, 0.7), (0.7, 0.9)),
        "parameters": ((10.0, 20.0), (40.0, 50.0)),
        "size": ((100.0, 100.0), (500.0, 500.0)),
    },
)


def trial_of(evaluation: Evaluation | None) -> FrozenTrial:
    attributes = {} if evaluation is None else {EVALUATION: evaluation.to_json()}
    trial = create_trial(values=[0.85, 85.0, 1000.0], user_attrs=attributes)
    trial.number = 17
    trial.set_constraint("parameters <= 50", math.log10(85 / 50))
    return trial


@pytest.fixture
def trial() -> FrozenTrial:
    return trial_of(Evaluation(FOLDS, (0.1, 0.1), {}, (), CURVE))


def test_a_trial_holds_its_structure_and_the_submodels(trial: FrozenTrial) -> None:
    whole, small, middle = unfold(trial, OBJECTIVES, {})
    assert [whole.key, small.key, middle.key] == ["17", "17:2", "17:5"]
    assert [whole.submodel, small.submodel] == [None, ("trees", 2)]
    assert (small.parameters, whole.parameters) == ({"trees": 2}, {})
    assert whole.values == {"accuracy": 0.85, "parameters": 85.0, "size": 1000.0}
    assert small.values == {"accuracy": pytest.approx(0.6), "parameters": 15.0, "size": 100.0}
    assert small.standard_error("accuracy") == pytest.approx(0.1)


def test_each_meets_the_limits_or_not_by_itself(trial: FrozenTrial) -> None:
    assert [one.is_feasible for one in unfold(trial, OBJECTIVES, {})] == [False, True, True]
    expected = [[-0.6, np.log10(15), 2], [-0.8, np.log10(45), np.log10(500)]]
    np.testing.assert_allclose(feasible_losses(trial, OBJECTIVES), expected)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_trial_that_was_told_infinite_values_measured_nothing(value: float) -> None:
    assert list(unfold(create_trial(values=[value, 1.0, 1.0]), OBJECTIVES, {})) == []


def test_sizes_of_submodels_are_estimates(trial: FrozenTrial) -> None:
    whole, small, _ = unfold(trial, OBJECTIVES, {})
    assert [whole.is_estimate(o) for o in OBJECTIVES] == [False, False, False]
    assert [small.is_estimate(o) for o in OBJECTIVES] == [False, False, True]


def test_what_was_measured_again_takes_the_place_of_what_was(trial: FrozenTrial) -> None:
    again = Remeasurement({"size": (300.0, 320.0)}, 0.0, {}, "2026-01-01")
    attributes = {remeasured_key("17:5"): again.to_json()}
    _, small, middle = unfold(trial, OBJECTIVES, attributes)
    assert middle.values["size"] == 310.0
    assert middle.folds["size"] == (300.0, 320.0)
    assert (middle.remeasurement, small.remeasurement) == (again, None)
    assert not any(middle.is_estimate(o) for o in OBJECTIVES)
    assert small.values["size"] == 100.0


def test_what_was_measured_again_may_break_a_limit(trial: FrozenTrial) -> None:
    limited = (OBJECTIVES[0], OBJECTIVES[1], ModelSize(at_most=600))
    again = Remeasurement({"size": (700.0, 700.0)}, 0.0, {}, "2026-01-01").to_json()
    _, _, before = unfold(trial, limited, {})
    _, _, after = unfold(trial, limited, {remeasured_key("17:5"): again})
    assert [before.is_feasible, after.is_feasible] == [True, False]


def test_a_structure_that_lost_a_race_is_not_among_them() -> None:
    folds = {name: values[:1] for name, values in FOLDS.items()}
    pessimistic = {"accuracy": 0.85, "parameters": 85.0, "size": 1000.0}
    lost = trial_of(Evaluation(folds, (0.1,), {}, (), None, pessimistic))
    assert list(unfold(lost, OBJECTIVES, {})) == []
    assert feasible_losses(lost, OBJECTIVES).shape == (0, 3)
    assert nest(OBJECTIVES, lost) is None


def test_its_submodels_are_if_they_went_on() -> None:
    folds = {name: values[:1] for name, values in FOLDS.items()}
    pessimistic = {"accuracy": 0.85, "parameters": 85.0, "size": 1000.0}
    cut = trial_of(Evaluation(folds, (0.1, 0.1), {}, (), CURVE, pessimistic))
    assert [one.key for one in unfold(cut, OBJECTIVES, {})] == ["17:2", "17:5"]


def test_a_sampler_is_told_the_submodels_and_what_they_break(trial: FrozenTrial) -> None:
    told = nest((OBJECTIVES[0], ParameterCount(at_most=20), OBJECTIVES[2]), trial)
    assert told is not None
    assert (told.parameter, told.values) == ("trees", [2, 5])
    assert told.measured == [[pytest.approx(0.6), 15.0, 100.0], [pytest.approx(0.8), 45.0, 500.0]]
    assert told.excess == [0.0, pytest.approx(math.log10(45 / 20))]


def test_a_trial_without_a_record_has_its_values_only() -> None:
    (whole,) = unfold(trial_of(None), OBJECTIVES, {})
    assert whole.values["accuracy"] == 0.85
    assert whole.folds == {}
    assert math.isnan(whole.standard_error("accuracy"))


def test_losses_of_nothing_have_a_column_each() -> None:
    values: list[Any] = []
    assert losses(values, OBJECTIVES).shape == (0, 3)
