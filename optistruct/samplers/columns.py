"""One parameter as a column of numbers: the index of a category, or a place from 0 to 1."""

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from optistruct.spaces import nearest_value

__all__ = ["Column", "Numbers", "cardinality", "is_continuous"]

Numbers = NDArray[np.float64]

_FEW_VALUES = 12
_FINE = 500  # places that are tried to find the values of a range of few
_DIGITS = 12  # so that a place is the same number whichever way it was computed


@dataclass(frozen=True)
class Column:
    """A parameter as it was asked for, and how its values are numbers.

    Attributes:
        name: The parameter's name.
        distribution: What it was asked with; for a number, the hull of all ranges seen.
    """

    name: str
    distribution: BaseDistribution

    @property
    def is_category(self) -> bool:
        """Whether its values have no order."""
        return isinstance(self.distribution, CategoricalDistribution)

    @cached_property
    def levels(self) -> Numbers | None:
        """The numbers of all values, rising, if they are categories or few; None otherwise."""
        count = cardinality(self.distribution)
        if isinstance(self.distribution, CategoricalDistribution):
            return np.arange(float(len(self.distribution.choices)))
        return np.unique(self.settle(np.linspace(0, 1, _FINE))) if count <= _FEW_VALUES else None

    def joined(self, distribution: BaseDistribution) -> "Column":
        """Take in another range of the same parameter; another kind takes the old one's place."""
        mine: Any = self.distribution
        other: Any = distribution
        if mine == other:
            return self
        is_range = isinstance(mine, FloatDistribution | IntDistribution)
        if not (is_range and type(mine) is type(other) and mine.log == other.log):
            return Column(self.name, distribution)
        low, high = min(mine.low, other.low), max(mine.high, other.high)
        step = _common_step(mine, other)
        return Column(self.name, type(mine)(low, high, log=mine.log, step=step))

    def encode(self, value: Any) -> float:
        """Turn a value into its number; NaN for one that the column cannot hold."""
        distribution = self.distribution
        try:
            if isinstance(distribution, CategoricalDistribution):
                return float(distribution.to_internal_repr(value))
            return float(self._place(np.array([value], dtype=float))[0])
        except (ValueError, TypeError):
            return math.nan

    def decode(self, number: float, asked: BaseDistribution) -> Any:
        """Turn a number into the nearest value of the distribution that is asked for."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution):
            return distribution.choices[int(number)]
        return nearest_value(float(self._value(np.array([number]))[0]), asked)

    def settle(self, numbers: Numbers) -> Numbers:
        """Move each number to that of the nearest value there is."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution):
            return numbers
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        numbers = np.clip(numbers, 0.0, 1.0)
        if distribution.step is None:
            return np.round(numbers, _DIGITS)
        steps = np.round((self._value(numbers) - distribution.low) / distribution.step)
        return self._place(distribution.low + steps * distribution.step)

    def draw(self, rng: np.random.Generator, size: int) -> Numbers:
        """Draw numbers at random, evenly over the values (on a log scale, over the logarithm)."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution):
            return rng.integers(len(distribution.choices), size=size).astype(float)
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        numbers = rng.random(size)
        if distribution.step is not None:  # half a step beyond either end, or these came up less
            half = distribution.step / 2
            ends = np.array([distribution.low - half, distribution.high + half])
            low, high = np.log(ends) if distribution.log else ends
            numbers = low + numbers * (high - low)
            numbers = self._place(np.exp(numbers) if distribution.log else numbers)
        return self.settle(numbers)

    def _place(self, values: Numbers) -> Numbers:
        low, high, is_log = self._range()
        if high == low:
            return np.full(len(values), 0.5)
        if is_log:
            values, low, high = np.log(np.maximum(values, low)), math.log(low), math.log(high)
        return np.round((values - low) / (high - low), _DIGITS)

    def _value(self, numbers: Numbers) -> Numbers:
        low, high, is_log = self._range()
        if is_log:
            return np.exp(math.log(low) + numbers * (math.log(high) - math.log(low)))
        return low + numbers * (high - low)

    def _range(self) -> tuple[float, float, bool]:
        distribution = self.distribution
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        return distribution.low, distribution.high, distribution.log


def cardinality(distribution: BaseDistribution) -> float:
    """Count the values of a distribution; infinity where it is a continuous range.

    Choices that are equal, as 1 and True, are one: Optuna records the first of them for either.
    """
    if isinstance(distribution, CategoricalDistribution):
        try:
            return len(set(distribution.choices))
        except TypeError:  # a list, say, has no hash
            return len(set(map(distribution.to_internal_repr, distribution.choices)))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.low == distribution.high:
        return 1
    if distribution.step is None:
        return math.inf
    return round((distribution.high - distribution.low) / distribution.step) + 1


def is_continuous(distribution: BaseDistribution) -> bool:
    """Tell whether a distribution has infinitely many values."""
    return (
        isinstance(distribution, FloatDistribution)
        and distribution.step is None
        and distribution.low < distribution.high
    )


def _common_step(mine: Any, other: Any) -> float | None:
    """Find a step that reaches the values of two ranges; None where only a continuum does."""
    if isinstance(mine, IntDistribution):
        return math.gcd(mine.step, other.step, mine.low - other.low)
    if mine.step is None or mine.step != other.step:
        return None
    # In decimals, as Optuna does: 0.3 is 3 steps of 0.1, which in binary it is not.
    low, other_low, step = (Decimal(str(value)) for value in (mine.low, other.low, mine.step))
    return mine.step if (low - other_low) % step == 0 else None
