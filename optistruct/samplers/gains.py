"""How much hypervolume new points would add to that of the feasible ones."""

import moocore
import numpy as np
from numpy.typing import NDArray

from optistruct import pareto
from optistruct.samplers.columns import Numbers

__all__ = ["Gains"]

_USUAL = 0.95  # share of the feasible values that are no outliers
_OUTLYING = 10.0  # times as far from the best as those: the box of the hypervolume ends there
_WEIGHED = 200  # points of which the gain is measured
_FEW_WEIGHED = 20  # with four objectives and more, where that takes long


class Gains:
    """Measures gains in a box that reaches to the worst of the feasible values.

    It does not reach to outliers, beside which everything would look alike, unless they are of the
    front. Gains are parts of the box.

    Args:
        feasible: (n, n_objectives) losses, at least one; smaller is better.

    Attributes:
        weighed: How many points may be weighed at an acceptable cost.
    """

    def __init__(self, feasible: Numbers) -> None:
        front = feasible[pareto.is_nondominated(feasible)]
        self._best = front.min(axis=0)
        usual = self._best + _OUTLYING * (np.quantile(feasible, _USUAL, axis=0) - self._best)
        worst = np.maximum(front.max(axis=0), np.minimum(feasible.max(axis=0), usual))
        self._span = np.where(worst > self._best, worst - self._best, 1.0)
        self._front = self._scaled(front)
        objectives = len(self._best)
        self.weighed = _WEIGHED if objectives <= 3 else _FEW_WEIGHED
        self._volume = moocore.Hypervolume(ref=np.ones(objectives))
        self._before = self._volume(self._front)

    def of_each(self, points: Numbers) -> Numbers:
        """Measure what each point would add by itself.

        Args:
            points: (n_points, n_objectives) losses.

        Returns:
            (n_points,) gains; for those of no gain, how far they are from one, as a negative
            number. Of more points than may be weighed, those that go beyond the front by least
            count as of no gain.
        """
        points = self._scaled(points)
        apart = np.full((len(points), len(self._front)), -np.inf)
        for front, mine in zip(self._front.T, points.T, strict=True):  # faster than .max(axis=2)
            np.maximum(apart, front - mine[:, np.newaxis], out=apart)
        beyond = apart.min(axis=1)
        gains: Numbers = np.minimum(beyond, 0.0)
        order: NDArray[np.intp] = np.argsort(-beyond, kind="stable")[: self.weighed]
        for i in order[beyond[order] > 0]:
            gains[i] = self._gain(points[i : i + 1])
        return gains

    def together(self, points: Numbers) -> float:
        """Measure what several points, (n_points, n_objectives) losses, would add together."""
        return self._gain(self._scaled(points))

    def _gain(self, scaled: Numbers) -> float:
        return float(self._volume(np.concatenate([self._front, scaled])) - self._before)

    def _scaled(self, points: Numbers) -> Numbers:
        scaled: Numbers = (points - self._best) / self._span
        return scaled
