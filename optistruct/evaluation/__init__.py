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
    quiet_process,
)
from optistruct.evaluation.plan import EvaluationPlan, make_plan
from optistruct.evaluation.record import Evaluation, standard_error
from optistruct.evaluation.refusal import Refusal, refusal
from optistruct.evaluation.side_by_side import Remeasurement, remeasure

__all__ = [
    "Evaluation",
    "EvaluationPlan",
    "InProcess",
    "Refusal",
    "Remeasurement",
    "close_executor",
    "count_workers",
    "evaluate",
    "make_plan",
    "open_executor",
    "quiet_process",
    "refusal",
    "remeasure",
    "standard_error",
]
