"""Tests of optistruct.evaluation.refusal."""

import json
import math
from typing import Any

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from optistruct import objectives
from optistruct.evaluation import EvaluationPlan, Refusal, make_plan, refusal
from optistruct.spaces import Problem


def plan(data: Any, *judged: objectives.Objective) -> EvaluationPlan:
    return make_plan(*data, judged, Problem.from_data(*data), 3)


def test_refuses_what_must_break_a_limit(binary: Any) -> None:
    refused = refusal(LogisticRegression(), plan(binary, objectives.ParameterCount(at_most=4)))
    assert refused == Refusal("parameters <= 4", 5.0, math.log10(5) - math.log10(4))


def test_refuses_what_is_too_small(binary: Any) -> None:
    refused = refusal(LogisticRegression(), plan(binary, objectives.Operations(at_least=10)))
    assert refused == Refusal("operations >= 10", 4.0, 1 - math.log10(4))


@pytest.mark.parametrize(
    "objective",
    [
        objectives.ParameterCount(at_most=5),
        objectives.ParameterCount(at_least=5),
        objectives.ParameterCount(),
        objectives.ModelSize(at_most=1),
        objectives.Score("accuracy", at_least=1),
    ],
    ids=str,
)
def test_lets_pass_what_may_meet_its_limits(objective: Any, binary: Any) -> None:
    assert refusal(LogisticRegression(), plan(binary, objective)) is None


def test_knows_the_fewest_classes_of_a_fold(multiclass: Any) -> None:
    three = objectives.ParameterCount(at_most=2)
    refused = refusal(RandomForestClassifier(1), plan(multiclass, three))
    assert refused is not None
    assert refused.figure == 3


def test_is_json() -> None:
    refused = Refusal("parameters <= 4", 5.0, 0.1)
    assert Refusal(**json.loads(json.dumps(refused.to_json()))) == refused
