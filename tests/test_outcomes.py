"""Tests of optistruct.outcomes."""

import optuna
import pytest

from optistruct.evaluation import Evaluation
from optistruct.objectives import ParameterCount, Score
from optistruct.outcomes import Outcomes
from optistruct.samplers import RACE


@pytest.mark.parametrize(("parameters", "is_within"), [(18, True), (22, False)])
def test_a_lost_race_breaks_the_limits_that_the_folds_so_far_do(
    parameters: int, is_within: bool
) -> None:
    """Its values are pessimistic, and need not be those that it would have had."""
    objectives = [Score("accuracy"), ParameterCount(at_most=20)]
    study = optuna.create_study(directions=["maximize", "minimize"])
    outcomes = Outcomes(study, objectives, lambda: None)
    evaluation = Evaluation(
        {"accuracy": (0.5, 0.6), "parameters": (parameters, parameters)},
        (0.1, 0.1),
        {},
        pessimistic={"accuracy": 0.4, "parameters": 21.0},
    )
    outcomes.complete(study.ask(), evaluation, None)
    (trial,) = study.trials
    assert trial.values == [0.4, 21.0]
    assert trial.constraints[RACE] == 1
    assert (trial.constraints["parameters <= 20"] <= 0) == is_within
