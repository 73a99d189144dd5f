"""Tests of optistruct.evaluation.attempt."""

from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from optistruct.evaluation import EvaluationPlan, OutOfTime, attempt, evaluate, make_plan
from optistruct.evaluation.refusal import Refusal
from optistruct.exceptions import NotConvertibleError
from optistruct.objectives import ParameterCount
from optistruct.spaces import Problem


class Odd(Exception):
    """Cannot be read again once it was pickled, nor shown."""

    def __init__(self, depth: int, why: str) -> None:
        super().__init__(f"depth {depth}: {why}")


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


ERRORS: dict[str, BaseException] = {
    "ValueError: no": ValueError("no"),
    "Odd: depth 3: no": Odd(3, "no"),
    "Mute": Mute(),
    "not convertible": NotConvertibleError("no ONNX"),
    "interrupt": KeyboardInterrupt(),
    "out of time": OutOfTime(),
    "terminated": SystemExit(143),  # as a handler of SIGTERM may raise
}


class Raising(DecisionTreeClassifier):
    """Raises one of these."""

    def __init__(self, error: str = "") -> None:
        super().__init__()
        self.error = error

    def fit(self, X: Any, y: Any) -> Any:
        raise ERRORS[self.error]


@pytest.fixture
def plan(binary: Any) -> EvaluationPlan:
    return make_plan(*binary, [ParameterCount()], Problem.from_data(*binary), cv=2)


def test_hands_out_what_was_measured(plan: EvaluationPlan) -> None:
    tree = DecisionTreeClassifier(max_depth=2)
    found = attempt(tree, plan)
    assert not isinstance(found, str | Refusal)
    assert found.folds == evaluate(tree, plan).folds


@pytest.mark.parametrize("told", list(ERRORS)[:3])
def test_tells_what_was_raised(told: str, plan: EvaluationPlan) -> None:
    assert attempt(Raising(told), plan) == told


def test_what_cannot_be_converted_is_refused(plan: EvaluationPlan) -> None:
    assert attempt(Raising("not convertible"), plan) == Refusal("no ONNX", None, 1.0)


@pytest.mark.parametrize("error", ["interrupt", "out of time", "terminated"])
def test_what_stops_a_search_comes_through(error: str, plan: EvaluationPlan) -> None:
    with pytest.raises(type(ERRORS[error])):
        attempt(Raising(error), plan)
