"""When a search ends: what its trials, rather than its budget, say about going on."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from optistruct import pareto
from optistruct.objectives import Objective

__all__ = ["LEAST_GAIN", "Ending", "is_stagnant"]

Ending = Literal["n_trials", "timeout", "patience", "exhausted"]
"""Why a run of a search ended: all trials made, the time over, no gain any more, or every
structure of the space visited."""

LEAST_GAIN = 0.001
"""Part of the hypervolume by which it must have grown, or the search is stagnant."""


def is_stagnant(
    trials: Sequence[FrozenTrial], objectives: Sequence[Objective], patience: int
) -> bool:
    """Tell whether the hypervolume has hardly grown in the last trials.

    It is measured on the objectives' scales, among the structures that meet every limit, as far
    as the worst of their values; hardly is by less than a thousandth.

    Args:
        trials: All trials of a study.
        objectives: What structures are judged by.
        patience: How many ended trials the last ones are.

    Returns:
        Whether it is; never before as many trials have ended, nor while nothing meets the limits.
    """
    ended = [trial for trial in trials if trial.state.is_finished()]
    if len(ended) <= patience:
        return False
    earlier, all_of_them = _losses(ended[:-patience], objectives), _losses(ended, objectives)
    if not len(all_of_them):
        return False
    worst = all_of_them.max(axis=0)
    now = pareto.hypervolume(all_of_them, worst)
    return now - pareto.hypervolume(earlier, worst) <= LEAST_GAIN * now


def _losses(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> pareto.Points:
    """Collect the losses of the feasible ones: (n, n_objectives)."""
    values = [
        trial.values
        for trial in trials
        if trial.state == TrialState.COMPLETE
        and all(excess <= 0 for excess in trial.constraints.values())
    ]
    columns = np.array(values, dtype=float).reshape(-1, len(objectives)).T
    return np.column_stack([o.loss(column) for o, column in zip(objectives, columns, strict=True)])
