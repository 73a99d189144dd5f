"""What trials measured besides their own structures: the submodels of these, as arrays."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from optistruct.samplers.columns import Column, Numbers

__all__ = ["Nest", "Nested", "NestedRows", "Structures"]

_LESSONS = 3  # submodels of a structure that a surrogate learns from: more tell it little
_POINTS = 5  # submodels by which it is judged what those of a structure would add


class Nest(NamedTuple):
    """The submodels that one trial measured.

    Attributes:
        parameter: The parameter in which they are smaller than the trial's structure.
        values: Its value in each, from small structures to large ones.
        measured: Each one's values, one an objective.
        excess: How far each is beyond its limits: 0 if it is feasible.
    """

    parameter: str
    values: Sequence[Any]
    measured: Sequence[Sequence[float]]
    excess: Sequence[float]


Nested = Callable[[FrozenTrial], Nest | None]
"""Reads what submodels a complete trial measured; None for none."""


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


class NestedRows:
    """The submodels of all finished trials, in order, and which a structure would have.

    Structures with the same parameters are of one kind, whose submodels differ in the same one.

    Args:
        n_objectives: Number of objectives.
    """

    def __init__(self, n_objectives: int) -> None:
        self._shape = n_objectives
        self._each: list[tuple[Numbers, list[float], float, int]] = []
        self._is_lesson: list[bool] = []
        self._kinds: dict[frozenset[str], tuple[str, set[Any], bool]] = {}
        self._gathered: tuple[tuple[int, int], Structures] | None = None

    def __len__(self) -> int:
        """Count the submodels."""
        return len(self._each)

    def add(
        self,
        place: int,
        trial: FrozenTrial,
        nest: Nest,
        rows: Numbers,
        losses: Sequence[list[float]],
    ) -> None:
        """Take in the submodels of the trial at this place.

        Args:
            place: The trial's place among the finished ones.
            trial: The trial.
            nest: Its submodels.
            rows: (n, n_columns) their numbers.
            losses: Their losses.
        """
        taught = set(np.linspace(0, len(rows) - 1, _LESSONS).round().astype(int).tolist())
        for i, excess in enumerate(nest.excess):
            if np.isfinite(losses[i]).all():
                self._each.append((rows[i], losses[i], excess, place))
                self._is_lesson.append(i in taught)
        falls = nest.values[0] > trial.params[nest.parameter]
        kind = frozenset(trial.params)
        known = self._kinds.setdefault(kind, (nest.parameter, set(), falls))
        known[1].update(nest.values)

    def gathered(self, width: int) -> Structures:
        """Hand out the submodels as arrays of so many columns."""
        size = (len(self._each), width)
        if self._gathered is None or self._gathered[0] != size:
            rows = np.full(size, np.nan)
            for i, (row, *_) in enumerate(self._each):
                rows[i, : len(row)] = row
            losses = np.array([one[1] for one in self._each], dtype=float)
            structures = Structures(
                rows,
                losses.reshape(-1, self._shape),
                np.array([one[2] for one in self._each], dtype=float),
                np.array([one[3] for one in self._each], dtype=int),
            )
            self._gathered = (size, structures)
        return self._gathered[1]

    def lessons(self) -> NDArray[np.intp]:
        """Number the submodels that a surrogate learns from: a few of each structure."""
        return np.flatnonzero(self._is_lesson)

    def expected(self, columns: Sequence[Column], row: Numbers) -> Numbers:
        """List some of the submodels that a structure would have, (n, n_columns) rows."""
        known = self._of_kind(columns, row)
        if known is None:
            return np.empty((0, len(row)))
        place, own, values, falls = known
        smaller = sorted(value for value in values if value != own and (value > own) == falls)
        few = np.linspace(0, len(smaller) - 1, min(_POINTS, len(smaller))).round().astype(int)
        rows = np.tile(row, (len(few), 1))
        rows[:, place] = [columns[place].encode(smaller[i]) for i in few]
        return rows

    def cost(self, columns: Sequence[Column], row: Numbers) -> float:
        """Tell about how long the fit of a structure takes, as parts of that of a middling one.

        It is taken to be proportional to the parameter along which there are submodels, such as the
        number of trees, where that grows with the structure, and the smallest value of that to cost
        as much as all else in a trial. It is not learnt from measured seconds: no study could be
        repeated then.
        """
        known = self._of_kind(columns, row)
        if known is None or known.falls or min(known.values) <= 0:
            return 1.0
        least = min(known.values)
        return float((least + known.own) / (least + median(known.values)))

    def _of_kind(self, columns: Sequence[Column], row: Numbers) -> "_Known | None":
        there = np.flatnonzero(~np.isnan(row)).tolist()
        kind = frozenset(columns[i].name for i in there)
        if kind not in self._kinds:
            return None
        parameter, values, falls = self._kinds[kind]
        place = next(i for i in there if columns[i].name == parameter)
        own = columns[place].decode(row[place], columns[place].distribution)
        return _Known(place, own, values, falls)


class _Known(NamedTuple):
    """What is known of the submodels of one kind, and where a structure is among them."""

    place: int
    own: Any
    values: set[Any]
    falls: bool
