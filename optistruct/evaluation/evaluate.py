"""One structure judged: fitted and measured in every fold, on one thread."""

import math
import time
import warnings
from typing import Any

from sklearn.base import clone
from sklearn.utils import _safe_indexing
from threadpoolctl import threadpool_limits

from optistruct.evaluation.plan import EvaluationPlan
from optistruct.evaluation.record import Evaluation
from optistruct.resources import describe_machine, single_threaded

__all__ = ["evaluate"]


def evaluate(estimator: Any, plan: EvaluationPlan) -> Evaluation:
    """Fit and measure a structure in every fold.

    A pure function of its arguments, times aside: it reads no database and keeps no state, so it
    runs in any process.

    Args:
        estimator: The unfitted structure; it is not changed.
        plan: Data, folds and objectives.

    Raises:
        ValueError: If an objective has no finite value, or none above 0 on a log scale.
        Exception: Whatever the fit or an objective raises.
    """
    structure = single_threaded(estimator)
    folds: dict[str, list[float]] = {objective.name: [] for objective in plan.objectives}
    seconds = []
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for train, test in plan.folds:
            model = clone(structure)
            start = time.perf_counter()
            model.fit(_safe_indexing(plan.X, train), _safe_indexing(plan.y, train))
            seconds.append(time.perf_counter() - start)
            X_test, y_test = _safe_indexing(plan.X, test), _safe_indexing(plan.y, test)
            for objective in plan.objectives:
                value = objective.measure(model, X_test, y_test)
                if not math.isfinite(value) or (objective.scale == "log" and value <= 0):
                    expected = "a positive number" if objective.scale == "log" else "a number"
                    raise ValueError(
                        f"the objective {objective.name!r} must be {expected}, got {value}"
                    )
                folds[objective.name].append(float(value))
    told = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
    return Evaluation(
        {name: tuple(values) for name, values in folds.items()},
        tuple(seconds),
        describe_machine(),
        tuple(told),
    )
