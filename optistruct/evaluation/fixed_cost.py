"""What a trial takes besides the steps of its fits, from what is known beforehand."""

from optistruct.evaluation.plan import EvaluationPlan
from optistruct.submodels import Submodels

__all__ = ["fixed_cost"]

# Guesses, in seconds, of what takes as long for all structures.
_A_TRIAL = 0.05  # proposing and storing
_A_FOLD = 0.005  # what a fit does around its steps, and scoring
_A_TIMING = 0.2  # of an inference, until it repeats


def fixed_cost(nest: Submodels, plan: EvaluationPlan) -> float | None:
    """Guess what a trial takes whatever the value of the parameter that submodels differ in.

    Args:
        nest: The submodels of a fit.
        plan: Data, folds and objectives.

    Returns:
        The time as a multiple of what one step, such as a tree, takes in all folds; None where a
        fit takes as long whatever the value.
    """
    step = nest.step_time
    if step is None:
        return None
    table = plan.table
    timings = sum(objective.is_timed for objective in plan.objectives)
    a_fold = _A_TRIAL / len(plan.folds) + _A_FOLD + _A_TIMING * timings
    return a_fold / step.of(table.rows.high, table.features.high, table.outputs.high)
