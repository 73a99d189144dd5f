"""When a search ends: its budget is used up, or its trials say that there is little to gain."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from threading import TIMEOUT_MAX
from time import monotonic
from typing import Any, Literal, Self

import numpy as np

from optistruct import pareto
from optistruct.exceptions import ArgumentError

__all__ = ["LEAST_GAIN", "Budget", "Ending", "is_stagnant"]

Ending = Literal["n_trials", "timeout", "patience", "exhausted"]
"""Why a run of a search ended: all trials made, the time over, no gain any more, or every
structure of the space visited."""

LEAST_GAIN = 0.001
"""Part of the hypervolume by which it must have grown, or the search is stagnant."""

_MARGIN = 0.1


@dataclass(frozen=True)
class Budget:
    """How long a run of a search may be.

    Attributes:
        n_trials: Trials of the study in all, those that are there included.
        deadline: Moment of `time.monotonic()` after which no trial begins.
        patience: After how many trials without gain the search ends; None for never.
    """

    n_trials: int
    deadline: float
    patience: int | None

    @classmethod
    def of(cls, n_trials: Any, timeout: Any, patience: Any) -> Self:
        """Check a budget that begins now.

        Args:
            n_trials: Trials in all.
            timeout: Seconds; None for no end.
            patience: Trials without gain; None for no end.

        Raises:
            ArgumentError: If one cannot be used.
        """
        if not _is_positive(n_trials):
            raise ArgumentError(f"n_trials must be 1 or more, got {n_trials!r}")
        is_number = isinstance(timeout, Real) and not isinstance(timeout, bool)
        if timeout is not None and not (is_number and timeout > 0):
            raise ArgumentError(f"timeout must be a number of seconds above 0, got {timeout!r}")
        if patience is not None and not _is_positive(patience):
            raise ArgumentError(f"patience must be 1 or more, or None, got {patience!r}")
        is_endless = timeout is None or timeout > TIMEOUT_MAX  # longer than a thread can wait
        deadline = float("inf") if is_endless else monotonic() + float(timeout)
        return cls(int(n_trials), deadline, patience)

    @property
    def is_late(self) -> bool:
        """Whether the time is over."""
        return monotonic() >= self.deadline


def is_stagnant(ended: Sequence[pareto.Points], patience: int) -> bool:
    """Tell whether the hypervolume has hardly grown in the last trials.

    It is measured among the structures that meet every limit, as far as a tenth beyond the present
    front (see `_reference`); hardly is by at most a thousandth.

    Args:
        ended: For each trial that has ended, in order, the (n, n_objectives) losses of what it
            measured that meets every limit.
        patience: How many ended trials the last ones are.

    Returns:
        Whether it is; never before as many trials have ended, nor while nothing meets the limits.
    """
    if len(ended) <= patience or not any(map(len, ended)):
        return False
    losses = np.concatenate([points for points in ended if len(points)])
    earlier = losses[: sum(map(len, ended[:-patience]))]
    reference = _reference(losses)
    now = pareto.hypervolume(losses, reference)
    return now - pareto.hypervolume(earlier, reference) <= LEAST_GAIN * now


def _reference(losses: pareto.Points) -> pareto.Points:
    """Find the point as far as which the hypervolume is measured.

    It is the worst of the front in each objective, and a tenth of the front's range beyond: were it
    the worst of all structures, a single one far off would make every gain look small. Where the
    front has no range, as with one objective, the median of all structures stands for its worst;
    if that is no worse than the best, the worst of all; and if all are equal, any point beyond.
    """
    front = losses[pareto.is_nondominated(losses)]
    best, worst = front.min(axis=0), front.max(axis=0)
    for further in (np.median(losses, axis=0), losses.max(axis=0), best + 1):
        worst = np.where(worst > best, worst, further)
    reference: pareto.Points = worst + _MARGIN * (worst - best)
    return reference


def _is_positive(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool) and int(number) >= 1
