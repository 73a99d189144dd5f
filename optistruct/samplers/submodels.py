"""What trials measured besides their own structures: the submodels of these, as arrays."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.structures import StructureTable

__all__ = ["Nest", "Nested", "NestedRows"]

_LESSONS = 3  # submodels of a structure that a surrogate learns from: more tell it little
_POINTS = 5  # submodels by which it is judged what those of a structure would add


class Nest(NamedTuple):
    """The submodels that one trial measured.

    Attributes:
        parameter: The parameter in which they are smaller than the trial's structure.
        values: Its value in each, from small structures to large ones.
        measured: Each one's values, one an objective.
        excess: How far each is beyond its limits: 0 if it is feasible.
        fixed_cost: What a trial takes whatever the parameter's value, as a multiple of what it
            takes for each step of it; None where it takes as long whatever the value.
    """

    parameter: str
    values: Sequence[Any]
    measured: Sequence[Sequence[float]]
    excess: Sequence[float]
    fixed_cost: float | None = None


Nested = Callable[[FrozenTrial], Nest | None]
"""Reads what submodels a complete trial measured; None for none."""


class _Kind(NamedTuple):
    """What is known of the submodels of one kind of structures.

    Attributes:
        parameter: The parameter in which they are smaller.
        values: All its values that a submodel had.
        falls: Whether smaller structures have larger values.
        fixed_cost: See `Nest`; that of the first.
    """

    parameter: str
    values: set[Any]
    falls: bool
    fixed_cost: float | None


class NestedRows:
    """The submodels of all finished trials, in order, and which a structure would have.

    Structures with the same parameters are of one kind, whose submodels differ in the same one;
    where they do not, as in a space that asks for trees and an alpha of whatever it builds, nobody
    knows which a structure would have, and it is taken to have none.

    Args:
        n_objectives: Number of objectives.

    Attributes:
        table: The submodels as arrays.
    """

    def __init__(self, n_objectives: int) -> None:
        self.table = StructureTable(n_objectives)
        self._is_lesson: list[bool] = []
        self._kinds: dict[frozenset[str], _Kind | None] = {}  # None where there are several
        # what `of` has told, until more is known, by which parameters there are
        self._found: dict[bytes, tuple[_Kind, int] | None] = {}
        self._told: dict[tuple[bytes, float], tuple[Numbers, float]] = {}

    def __len__(self) -> int:
        """Count the submodels."""
        return len(self.table)

    def add(
        self,
        nest: Nest,
        params: Mapping[str, Any],
        place: int,
        rows: Sequence[Numbers],
        losses: Sequence[list[float]],
    ) -> None:
        """Take in the submodels of a trial.

        Args:
            nest: The submodels.
            params: The trial's parameters.
            place: The trial's place among the finished ones.
            rows: The submodels' numbers.
            losses: Their losses.
        """
        taught = set(np.linspace(0, len(rows) - 1, _LESSONS).round().astype(int).tolist())
        for i, excess in enumerate(nest.excess):
            if np.isfinite(losses[i]).all():
                self.table.add(rows[i], losses[i], excess, place)
                self._is_lesson.append(i in taught)
        falls = nest.values[0] > params[nest.parameter]
        new = _Kind(nest.parameter, set(), falls, nest.fixed_cost)
        kind = self._kinds.setdefault(frozenset(params), new)
        if kind is not None and (kind.parameter, kind.falls) == (new.parameter, falls):
            kind.values.update(nest.values)
        else:
            self._kinds[frozenset(params)] = None
        self._found, self._told = {}, {}

    def lessons(self) -> NDArray[np.intp]:
        """Number the submodels that a surrogate learns from: a few of each structure."""
        return np.flatnonzero(self._is_lesson)

    def of(self, columns: Sequence[Column], row: Numbers) -> tuple[Numbers, float]:
        """Tell what submodels a structure would have, and about how long its fit takes.

        The time is taken to be that of all else in a trial, and a part that is proportional to the
        parameter along which there are submodels, such as the number of trees. It is not learnt
        from measured seconds: no study could be repeated then.

        Args:
            columns: The parameters; with new trials they may have become more, and no others.
            row: (n_columns,) numbers of the structure.

        Returns:
            A few of them, (n, n_columns) rows, and the time as parts of that of a middling one.
        """
        there = ~np.isnan(row)
        key = there.tobytes()
        if key not in self._found:
            self._found[key] = self._find(
                [columns[i].name for i in np.flatnonzero(there).tolist()], columns
            )
        found = self._found[key]
        if found is None:
            return np.empty((0, len(row))), 1.0
        kind, place = found
        own = float(row[place])
        if (key, own) not in self._told:
            self._told[key, own] = _smaller(kind, columns[place], own)
        smaller, cost = self._told[key, own]
        rows = np.tile(row, (len(smaller), 1))
        rows[:, place] = smaller
        return rows, cost

    def _find(self, names: Sequence[str], columns: Sequence[Column]) -> tuple[_Kind, int] | None:
        """Find the kind of the structures with some parameters, and its parameter's column."""
        kind = self._kinds.get(frozenset(names))
        if kind is None:
            return None
        return kind, next(i for i, column in enumerate(columns) if column.name == kind.parameter)


def _smaller(kind: _Kind, column: Column, number: float) -> tuple[Numbers, float]:
    """List the numbers of a few submodels of a structure with a number, and tell what it costs."""
    own = column.decode(number, column.distribution)
    if not isinstance(own, int | float):  # a choice that is no number
        return np.empty(0), 1.0
    values = [v for v in sorted(kind.values) if v != own and (v > own) == kind.falls]
    few = np.linspace(0, len(values) - 1, min(_POINTS, len(values))).round().astype(int)
    numbers = np.array([column.encode(values[i]) for i in few])
    if kind.fixed_cost is None:
        return numbers, 1.0
    return numbers, float((kind.fixed_cost + own) / (kind.fixed_cost + median(kind.values)))
