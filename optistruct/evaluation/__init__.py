"""Evaluation: an estimator and data in, what was measured out.

`make_plan` splits the data once a study; `evaluate` is a pure function of an estimator and that
plan, which runs wherever an executor takes it; `Evaluation` is the record that comes back.
"""

from optistruct.evaluation.attempt import attempt, reason
from optistruct.evaluation.curve import Curve
from optistruct.evaluation.evaluate import evaluate
from optistruct.evaluation.executors import (
    InProcess,
    OutOfTime,
    close_executor,
    count_workers,
    open_executor,
    quiet_process,
)
from optistruct.evaluation.folds import fold_data, forget_fold_data
from optistruct.evaluation.grid import Grid, submodel_grid
from optistruct.evaluation.nested import not_measured
from optistruct.evaluation.plan import EvaluationPlan, make_plan
from optistruct.evaluation.racing import Race, fold_losses
from optistruct.evaluation.record import Evaluation, means, standard_error
from optistruct.evaluation.refusal import Refusal, refusal
from optistruct.evaluation.side_by_side import Remeasurement, remeasure

__all__ = [
    "Curve",
    "Evaluation",
    "EvaluationPlan",
    "Grid",
    "InProcess",
    "OutOfTime",
    "Race",
    "Refusal",
    "Remeasurement",
    "attempt",
    "close_executor",
    "count_workers",
    "evaluate",
    "fold_data",
    "fold_losses",
    "forget_fold_data",
    "make_plan",
    "means",
    "not_measured",
    "open_executor",
    "quiet_process",
    "reason",
    "refusal",
    "remeasure",
    "standard_error",
    "submodel_grid",
]
