"""Evaluation: an estimator and data in, what was measured out.

`make_plan` splits the data once a study; `evaluate` is a pure function of an estimator and that
plan, which runs wherever an executor takes it; `Evaluation` is the record that comes back.
"""

from optistruct.evaluation.evaluate import evaluate
from optistruct.evaluation.executors import (
    InProcess,
    close_executor,
    count_workers,
    open_executor,
)
from optistruct.evaluation.plan import EvaluationPlan, make_plan
from optistruct.evaluation.record import Evaluation

__all__ = [
    "Evaluation",
    "EvaluationPlan",
    "InProcess",
    "close_executor",
    "count_workers",
    "evaluate",
    "make_plan",
    "open_executor",
]
