"""Pareto fronts of arrays: which points are non-dominated, their hypervolume, their knee.

Every function takes `(n_points, n_objectives)` losses: smaller is better in each column. The
non-dominated filter and the hypervolume are moocore's.
"""

import moocore
import numpy as np
from numpy.typing import NDArray

__all__ = ["Points", "hypervolume", "is_nondominated", "knee"]

Points = NDArray[np.float64]
"""(n_points, n_objectives) losses."""


def is_nondominated(losses: Points) -> NDArray[np.bool_]:
    """Tell which points no other point dominates; equal points all count.

    Args:
        losses: (n_points, n_objectives) array.

    Returns:
        (n_points,) array of truth values.
    """
    if len(losses) == 0:
        return np.zeros(0, dtype=bool)
    return np.asarray(moocore.is_nondominated(losses, keep_weakly=True), dtype=bool)


def hypervolume(losses: Points, reference: NDArray[np.float64]) -> float:
    """Measure the region that the points dominate, as far as the reference point.

    Args:
        losses: (n_points, n_objectives) array.
        reference: (n_objectives,) array; points that are not better in every objective add
            nothing.

    Returns:
        The volume, in the product of the objectives' units.
    """
    if len(losses) == 0:
        return 0.0
    return float(moocore.hypervolume(losses, ref=reference))


def knee(losses: Points) -> int:
    """Find the point of a front that bulges furthest from the plane through its extremes.

    Each objective is scaled to [0, 1] over the front; the point with the smallest sum is the
    furthest below the plane through the unit points (Das, "On characterizing the 'knee' of the
    Pareto curve based on normal-boundary intersection", Structural Optimization 18, 1999).

    Args:
        losses: (n_points, n_objectives) array of one non-dominated front, not empty.

    Returns:
        The row of the knee; the first of several.
    """
    best, worst = losses.min(axis=0), losses.max(axis=0)
    span = np.where(worst > best, worst - best, 1.0)
    return int(((losses - best) / span).sum(axis=1).argmin())
