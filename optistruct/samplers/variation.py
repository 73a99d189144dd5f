"""New structures: drawn at random, one change away from known ones, or crossed from two of them.

Structures are rows of numbers (see `Column`), with NaN where a parameter is not there. Whatever is
changed, the parameters that then exist follow from the space's conditions: the children of a
changed choice are taken from a known structure that has them, or drawn at random.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optistruct.samplers.columns import Column, Numbers, cardinality
from optistruct.samplers.conditions import Conditions

__all__ = ["Variation"]

_STEPS = (0.2, 0.06, 0.015)  # of a range's width: how far its neighbours are


class Variation:
    """Makes structures of one space.

    Args:
        columns: The space's parameters.
        donors: (n, n_columns) structures from which a changed one takes the parameters it lacks.
        conditions: Which parameters there are.
        rng: Where randomness comes from.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        donors: Numbers,
        conditions: Conditions,
        rng: np.random.Generator,
    ) -> None:
        self._columns = columns
        self._donors = donors
        self._conditions = conditions
        self._rng = rng

    def random(self, size: int) -> Numbers:
        """Draw structures at random, parameter by parameter."""
        rows = np.full((size, len(self._columns)), np.nan)
        return self._conditions.complete(
            rows, lambda place, lacking: self._columns[place].draw(self._rng, lacking.size)
        )

    def complete(self, row: Numbers) -> Numbers:
        """Give a changed structure the parameters that it then has, and no others."""
        completed: Numbers = self._completed(row[np.newaxis].copy())[0]
        return completed

    def neighbors(self, rows: Numbers, most: int) -> Numbers:
        """Make structures that differ from one of several in a single answer.

        A category or a number of few values takes every other value; a wider number is moved both
        ways by three steps of its range, of somewhat random width.

        Args:
            rows: (n, n_columns) the structures.
            most: How many are made; of more, some are drawn.

        Returns:
            (n_neighbors, n_columns) structures.
        """
        if not self._columns:
            return rows[:0]
        bases, places, values = [], [], []
        for i, column in enumerate(self._columns):
            here = np.flatnonzero(~np.isnan(rows[:, i]))
            others = self._others(column, rows[here, i])
            bases.append(np.repeat(here, others.shape[1]))
            places.append(np.full(others.size, i))
            values.append(others.ravel())
        base, place, value = (np.concatenate(parts) for parts in (bases, places, values))
        changes = np.flatnonzero(value != rows[base, place])
        if changes.size > most:
            changes = self._rng.choice(changes, most, replace=False)
        changed = rows[base[changes]]
        changed[np.arange(len(changes)), place[changes]] = value[changes]
        return self._completed(changed)

    def _others(self, column: Column, values: Numbers) -> Numbers:
        """List other values for each of several: (n, n_others), among them itself."""
        if column.levels is not None:
            return np.tile(column.levels, (len(values), 1))
        steps = np.array([sign * step for step in _STEPS for sign in (-1, 1)])
        steps = steps * self._rng.uniform(0.6, 1.4, size=(len(values), len(steps)))
        moved = values[:, np.newaxis] + steps
        return column.settle(moved.ravel()).reshape(moved.shape)

    def cross(
        self, first: Numbers, second: Numbers, change: float, steps: Sequence[float] = _STEPS
    ) -> Numbers:
        """Cross pairs of structures gene by gene, and change some genes.

        A parameter that both have is taken from either; one that a single parent has, from it. Then
        the conditions say which of them the child has.

        Args:
            first: (n, n_columns) structures.
            second: (n, n_columns) others.
            change: Number of parameters of a child that are changed in the mean.
            steps: Standard deviations of a changed number, one of which is drawn, as parts of its
                range's width.

        Returns:
            (n, n_columns) children.
        """
        is_first = self._rng.random(first.shape) < 0.5
        children = np.where(np.isnan(first) | (~is_first & ~np.isnan(second)), second, first)
        children = self._completed(children)
        there = ~np.isnan(children)
        share = change / np.maximum(there.sum(axis=1, keepdims=True), 1)
        is_changed = there & (self._rng.random(first.shape) < share)
        for place, column in enumerate(self._columns):
            rows = np.flatnonzero(is_changed[:, place])
            if rows.size:
                children[rows, place] = self._moved(column, children[rows, place], steps)
        return self._completed(children)

    def _moved(self, column: Column, values: Numbers, steps: Sequence[float]) -> Numbers:
        """Change values: another category, or a number nearby, rarely far away."""
        count = cardinality(column.distribution)
        if count == 1:
            return values
        if column.is_category:
            return (values + self._rng.integers(1, int(count), size=len(values))) % count
        widths = self._rng.choice(steps, size=len(values))
        moved = values + widths * self._rng.standard_normal(len(values))
        is_out = (moved < 0) | (moved > 1)
        moved[is_out] = self._rng.random(int(is_out.sum()))
        return column.settle(moved)

    def _completed(self, rows: Numbers) -> Numbers:
        """Let each row take what it lacks from one structure that has it, where there is one."""
        choice = self._rng.random(len(rows))

        def donate(place: int, lacking: NDArray[np.intp]) -> Numbers:
            column = self._donors[:, place]
            values = column[~np.isnan(column)]
            if not values.size:
                return self._columns[place].draw(self._rng, lacking.size)
            given: Numbers = values[(choice[lacking] * values.size).astype(int)]
            return given

        return self._conditions.complete(rows, donate)
