"""Tests of optistruct.evaluation.record."""

import json
import math

import pytest

from optistruct.evaluation import Evaluation, standard_error


@pytest.fixture
def evaluation() -> Evaluation:
    return Evaluation(
        {"accuracy": (0.5, 0.75, 1.0), "parameters": (10.0, 20.0, 30.0)},
        (0.1, 0.2, 0.3),
        {"processor": "p", "cores": 2, "load": 0.5},
        ("W: x",),
    )


def test_values_are_means_over_the_folds(evaluation: Evaluation) -> None:
    assert evaluation.values == {"accuracy": 0.75, "parameters": 20.0}


def test_a_standard_error_is_the_deviation_by_the_root_of_the_folds() -> None:
    assert standard_error((0.5, 0.75, 1.0)) == pytest.approx(0.25 / math.sqrt(3))


def test_one_fold_has_no_standard_error() -> None:
    assert math.isnan(standard_error((0.5,)))


def test_comes_back_from_json(evaluation: Evaluation) -> None:
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation


def test_is_frozen(evaluation: Evaluation) -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'folds'"):
        evaluation.folds = {}  # type: ignore[misc]
