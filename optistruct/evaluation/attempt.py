"""One structure judged wherever that may be: what goes wrong comes back as a plain record."""

from typing import Any

from optistruct.evaluation.evaluate import evaluate
from optistruct.evaluation.grid import Grid
from optistruct.evaluation.plan import EvaluationPlan
from optistruct.evaluation.racing import Race
from optistruct.evaluation.record import Evaluation
from optistruct.evaluation.refusal import Refusal
from optistruct.exceptions import NotConvertibleError

__all__ = ["attempt", "reason"]


def attempt(
    estimator: Any, plan: EvaluationPlan, grid: Grid | None = None, race: Race | None = None
) -> Evaluation | Refusal | str:
    """Evaluate a structure; what its code raises is told, since it may not survive the way back.

    An exception that can be pickled but not read again would take a whole pool of workers with it.

    Args:
        estimator: The unfitted structure; it is not changed.
        plan: Data, folds and objectives.
        grid: The submodels that are wanted; None for none.
        race: What the structure must keep up with; None for nothing.

    Returns:
        What was measured; or why the structure is infeasible; or why it failed.
    """
    try:
        return evaluate(estimator, plan, grid, race)
    except NotConvertibleError as error:
        return Refusal.of_conversion(error)
    except Exception as error:
        return reason(error)


def reason(error: BaseException) -> str:
    """Write why something failed."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # of the exception's own code
        return type(error).__name__
