"""Structures that were measured, as arrays: one row each, one column a parameter."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optistruct.samplers.columns import Numbers

__all__ = ["StructureTable", "Structures"]

_SHARING, _SHARE = 5, 0.1  # trials that share a value which nothing is below; of all, at least


class Structures(NamedTuple):
    """Structures that were measured.

    Attributes:
        rows: (n, n_columns) numbers of the structures; NaN where one has no such parameter.
        losses: (n, n_objectives) values, smaller is better, log10 on a log scale.
        excess: (n,) how far beyond its limits each is: 0 if feasible, infinity if it failed.
        trials: (n,) places of their trials among the finished ones.
    """

    rows: Numbers
    losses: Numbers
    excess: Numbers
    trials: NDArray[np.intp]

    def at(self, places: NDArray[np.intp]) -> "Structures":
        """Hand out some of them."""
        return Structures(
            self.rows[places], self.losses[places], self.excess[places], self.trials[places]
        )

    def followed_by(self, others: "Structures") -> "Structures":
        """Hand out these and then others."""
        rows, losses, excess = map(np.concatenate, zip(self[:3], others[:3], strict=True))
        return Structures(rows, losses, excess, np.concatenate([self.trials, others.trials]))

    def floors(self) -> Numbers:
        """Tell below what losses there is nothing, as far as it shows.

        Where one value is the least in five trials and in a tenth of all, as the size of the
        smallest structures may be, it is taken to be the least there is.

        Returns:
            (n_objectives,) losses; minus infinity where nothing shows.
        """
        there = np.flatnonzero(np.isfinite(self.losses).all(axis=1))
        losses, trials = self.losses[there], self.trials[there]
        least = losses.min(axis=0, initial=np.inf)
        sharing = [len(np.unique(trials[column])) for column in (losses == least).T]
        enough = max(_SHARING, _SHARE * len(np.unique(trials)))
        return np.where(np.array(sharing) >= enough, least, -np.inf)


class StructureTable:
    """Structures to which others are added, with ever more columns.

    Args:
        n_objectives: Number of objectives.
    """

    def __init__(self, n_objectives: int) -> None:
        self._size = 0
        self._room = Structures(
            np.empty((0, 0)), np.empty((0, n_objectives)), np.empty(0), np.empty(0, dtype=int)
        )

    def __len__(self) -> int:
        """Count the structures."""
        return self._size

    def add(self, row: Numbers, losses: Sequence[float], excess: float, trial: int) -> None:
        """Add a structure; each one to come has as many columns, or more."""
        self._make_room(self._size + 1, len(row))
        room = self._room
        room.rows[self._size, : len(row)] = row
        room.losses[self._size] = losses
        room.excess[self._size] = excess
        room.trials[self._size] = trial
        self._size += 1

    def of(self, n_columns: int) -> Structures:
        """Hand out all structures; columns that none had are NaN."""
        self._make_room(self._size, n_columns)
        rows, losses, excess, trials = self._room
        size = self._size
        return Structures(rows[:size, :n_columns], losses[:size], excess[:size], trials[:size])

    def _make_room(self, height: int, width: int) -> None:
        """Have room for so many; twice as many as are needed, so that it is seldom made."""
        old, size = self._room, self._size
        if height <= len(old.rows) and width <= old.rows.shape[1]:
            return
        height = 2 * height if height > len(old.rows) else len(old.rows)
        width = 2 * width if width > old.rows.shape[1] else old.rows.shape[1]
        rows = np.full((height, width), np.nan)
        rows[:size, : old.rows.shape[1]] = old.rows[:size]
        spare = height - size
        self._room = Structures(
            rows,
            np.pad(old.losses[:size], [(0, spare), (0, 0)]),
            np.pad(old.excess[:size], (0, spare)),
            np.pad(old.trials[:size], (0, spare)),
        )
