"""What a partial structure costs at least: a branch that breaks a limit is left at once."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real
from typing import Any

import optuna

from optistruct.exceptions import ArgumentError
from optistruct.spaces.build import AnyTrial

__all__ = ["LimitBroken", "limited", "require"]

_LIMITS: ContextVar[Mapping[str, float] | None] = ContextVar("optistruct_limits", default=None)


class LimitBroken(optuna.TrialPruned):
    """Whatever a space builds from here on breaks a limit: the trial ends half-way, pruned.

    Args:
        name: The objective that has the limit.
        figure: The least that its value can be.
        limit: The largest value that is acceptable; below `figure`.
    """

    def __init__(self, name: str, figure: float, limit: float) -> None:
        super().__init__(name, figure, limit)
        self.name = name
        self.figure = figure
        self.limit = limit

    def __str__(self) -> str:
        """Name the limit and the figure that breaks it."""
        return (
            f"{self.name} <= {self.limit:.15g}: "
            f"whatever is built from here on has at least {self.figure:.15g}"
        )


def require(trial: AnyTrial, /, **least: float) -> None:
    """Tell, inside a space, what the structure costs at least, as soon as that is known.

    A study that has such a limit ends the trial at the first figure above it, and with it every
    structure that would have followed. Ask first for what decides the most about the cost, and
    call this after each answer:

    ```python
    def perceptron(trial, problem):
        inputs, parameters, widths = problem.features, 0, []
        for layer in range(trial.suggest_int("layers", 1, 3)):
            width = trial.suggest_int(f"units_{layer}", 4, 256, log=True)
            parameters += (inputs + 1) * width
            spaces.require(trial, parameters=parameters)
            widths.append(width)
            inputs = width
        return MLPClassifier(widths)
    ```

    Where no limit is laid down, as in a plain Optuna study or when a candidate is built again, it
    does nothing; `limited` lays limits down.

    Args:
        trial: The trial that the space was called with.
        **least: Names of objectives, such as `parameters`, `operations` or `size`, each with the
            least that its value can be, in the objective's unit. A name without a limit in force
            is not limited.

    Raises:
        LimitBroken: If a figure is above its limit; Optuna prunes the trial.
        ArgumentError: If there is no trial or no figure, or one is not a finite number of 0 or
            more.
    """
    if not hasattr(trial, "suggest_int"):
        raise ArgumentError(
            "trial must be the trial that the space was called with, as in "
            f"require(trial, parameters=12_000), got {trial!r}"
        )
    if not least:
        raise ArgumentError(
            "require needs at least one figure, as in require(trial, parameters=12_000), got none"
        )
    figures = {name: _figure(name, value) for name, value in least.items()}
    limits = _LIMITS.get() or {}
    for name, figure in figures.items():
        if name in limits and figure > limits[name]:
            raise LimitBroken(name, figure, limits[name])


@contextmanager
def limited(limits: Mapping[str, float]) -> Iterator[None]:
    """Lay down the limits that `require` holds a space to inside the block.

    They replace those of a block around it, and hold in this thread (and in tasks started from
    it), not in threads that others start.

    Args:
        limits: Objectives' names, each with the largest value that is acceptable.

    Raises:
        ArgumentError: If `limits` is not a mapping of names to finite numbers.
    """
    if not isinstance(limits, Mapping):
        raise ArgumentError(
            f"limits must map objectives' names to numbers, as in {{'parameters': 20_000}}, "
            f"got {limits!r}"
        )
    for name, limit in limits.items():
        if not math.isfinite(_number(limit)):
            raise ArgumentError(f"limits[{name!r}] must be a finite number, got {limit!r}")
    token = _LIMITS.set({name: float(limit) for name, limit in limits.items()})
    try:
        yield
    finally:
        _LIMITS.reset(token)


def _figure(name: str, value: Any) -> float:
    number = _number(value)
    if not (math.isfinite(number) and number >= 0):
        raise ArgumentError(
            f"{name} must be the least that the structure costs, a finite number of 0 or more, "
            f"got {value!r}"
        )
    return number


def _number(value: Any) -> float:
    """Read a number; anything else, and what is too large for a float, comes out as NaN."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
