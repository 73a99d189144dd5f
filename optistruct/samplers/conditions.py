"""Which parameters a structure has: learnt from those that have been seen.

A space is a function, so its conditions are not written down anywhere; but a parameter that is
there or not as the answer to an earlier one says can be told from the trials. Where several earlier
ones could be the reason, it is the one along which presence changes the least often. A condition
that needs two parameters at once is not found; such a structure is proposed as its parent was, and
the space has the last word.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optistruct.samplers.columns import Column, Numbers

__all__ = ["Conditions"]

Fill = Callable[[int, NDArray[np.intp]], Numbers]
"""Draws numbers of a column for rows that lack it: `fill(column, rows)`."""


@dataclass(frozen=True)
class _Condition:
    """A parameter is there where an earlier one has the right answer.

    Attributes:
        parent: Column of the earlier one.
        answers: (k,) its answers that have been seen, rising.
        present: (k,) whether the parameter was there.
    """

    parent: int
    answers: Numbers
    present: NDArray[np.bool_]

    @property
    def switches(self) -> int:
        """How often presence changes along the answers."""
        return int(np.count_nonzero(np.diff(self.present)))

    def holds(self, answers: Numbers, is_category: bool) -> NDArray[np.bool_]:
        """Tell where the parameter is there; as at the nearest answer seen, where none is equal."""
        right = np.searchsorted(self.answers, answers).clip(1, len(self.answers) - 1)
        if len(self.answers) == 1:
            right = np.zeros(len(answers), dtype=int)
        left = (right - 1).clip(0)
        is_left = answers - self.answers[left] < self.answers[right] - answers
        nearest = np.where(is_left, left, right)
        is_known = self.answers[nearest] == answers
        return self.present[nearest] & (is_known if is_category else True)


class Conditions:
    """The conditions of a space.

    Args:
        columns: The parameters.
        rows: (n, n_columns) the structures seen, at least one.
    """

    def __init__(self, columns: Sequence[Column], rows: Numbers) -> None:
        self._columns = columns
        self._conditions: list[_Condition | None] = []
        self._is_always: list[bool] = []
        present = ~np.isnan(rows)
        cached: dict[bytes, _Condition | None] = {}
        for place in range(len(columns)):
            mine = present[:, place]
            self._is_always.append(bool(mine.all()))
            key = mine.tobytes()
            if key not in cached:
                is_open = mine.any() and not mine.all()
                cached[key] = self._find(place, rows, present) if is_open else None
            self._conditions.append(cached[key])

    def complete(self, rows: Numbers, fill: Fill) -> Numbers:
        """Take away the parameters that a structure does not have, and fill in those it lacks.

        Args:
            rows: (n, n_columns) structures, which are changed in place.
            fill: Draws what is lacking.
        """
        decided: dict[int, NDArray[np.bool_]] = {}
        for place, condition in enumerate(self._conditions):
            if condition is not None:
                if id(condition) not in decided:  # which siblings share
                    decided[id(condition)] = self._holds(condition, rows[:, condition.parent])
                is_there = decided[id(condition)]
                rows[~is_there, place] = np.nan
            elif self._is_always[place]:
                is_there = np.ones(len(rows), dtype=bool)
            else:
                continue
            lacking = np.flatnonzero(is_there & np.isnan(rows[:, place]))
            if lacking.size:
                rows[lacking, place] = fill(place, lacking)
        return rows

    def _holds(self, condition: _Condition, answers: Numbers) -> NDArray[np.bool_]:
        is_there = ~np.isnan(answers)
        is_category = self._columns[condition.parent].is_category
        is_there[is_there] = condition.holds(answers[is_there], is_category)
        return is_there

    def _find(self, place: int, rows: Numbers, present: NDArray[np.bool_]) -> _Condition | None:
        """Find the earlier parameter that decides whether this one is there."""
        mine = present[:, place]
        best: _Condition | None = None
        fewest = (len(rows), 0)
        for parent in range(place):
            if not (present[:, parent] >= mine).all():
                continue
            condition = _condition(parent, rows[:, parent], mine)
            if condition is None:
                continue
            changes = condition.switches
            if self._columns[parent].is_category:
                changes = min(changes, 1)
            if (changes, len(condition.answers)) <= fewest:
                best, fewest = condition, (changes, len(condition.answers))
        return best


def _condition(parent: int, answers: Numbers, mine: NDArray[np.bool_]) -> _Condition | None:
    """Make the condition of one parent; None where one answer went both ways."""
    has = ~np.isnan(answers)
    seen, place = np.unique(answers[has], return_inverse=True)
    number = np.bincount(place, minlength=len(seen))
    there = np.bincount(place, weights=mine[has], minlength=len(seen))
    if ((there > 0) & (there < number)).any():
        return None
    return _Condition(parent, seen, there > 0)
