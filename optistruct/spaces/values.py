"""Which values a range has."""

from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

__all__ = ["nearest_value"]


def nearest_value(value: float, distribution: BaseDistribution) -> Any:
    """Find the value of a range that is nearest to a number."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    value = min(max(value, distribution.low), distribution.high)
    if distribution.step is not None:
        steps = round((value - distribution.low) / distribution.step)
        value = min(distribution.low + steps * distribution.step, distribution.high)
    return round(value) if isinstance(distribution, IntDistribution) else float(value)
