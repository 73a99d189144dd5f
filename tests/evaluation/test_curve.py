"""Tests of optistruct.evaluation.curve."""

import json

import pytest

from optistruct.evaluation import Curve, Evaluation


@pytest.fixture
def curve() -> Curve:
    return Curve(
        "trees",
        (2, 10),
        {"accuracy": ((0.5, 0.6), (0.7, 0.9)), "parameters": ((8.0, 10.0), (40.0, 50.0))},
    )


def test_goes_through_the_submodels(curve: Curve) -> None:
    assert list(curve) == [
        (2, {"accuracy": (0.5, 0.6), "parameters": (8.0, 10.0)}),
        (10, {"accuracy": (0.7, 0.9), "parameters": (40.0, 50.0)}),
    ]


def test_comes_back_from_json(curve: Curve) -> None:
    assert Curve.from_json(json.loads(json.dumps(curve.to_json()))) == curve


def test_is_a_part_of_an_evaluation(curve: Curve) -> None:
    evaluation = Evaluation(
        {"accuracy": (0.8, 0.9), "parameters": (80.0, 90.0)}, (0.1, 0.2), {}, (), curve
    )
    again = Evaluation.from_json(json.loads(json.dumps(evaluation.to_json())))
    assert again == evaluation
    assert again.curve == curve
    assert again.values["accuracy"] == pytest.approx(0.85)


def test_an_evaluation_that_lost_a_race_has_pessimistic_values() -> None:
    evaluation = Evaluation({"accuracy": (0.8,)}, (0.1,), {}, pessimistic={"accuracy": 0.7})
    again = Evaluation.from_json(json.loads(json.dumps(evaluation.to_json())))
    assert again == evaluation
    assert again.values == {"accuracy": 0.7}
