"""What every objective is: a name, a direction, a unit, a scale, limits, and a measurement."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optistruct.exceptions import ArgumentError
from optistruct.resources import Bounds, Table
from optistruct.submodels import Submodels

__all__ = ["Direction", "Objective", "Scale", "check_objectives"]

Direction = Literal["minimize", "maximize"]
Scale = Literal["linear", "log"]


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """One thing that a structure is judged by.

    A subclass sets `name`, `direction`, `unit` and `scale` and defines `measure`.

    Attributes:
        name: Names the objective in tables, plots and the database.
        direction: "minimize" or "maximize".
        unit: Unit of the values, such as "us"; empty for a pure number.
        scale: "log" where ratios matter more than differences; values must then be positive.
        at_most: The largest value that is acceptable, in the unit; None for no limit.
        at_least: The smallest value that is acceptable, in the unit; None for no limit.
        estimates_submodels: Whether `measure_each` estimates, for what measures each submodel
            takes too long in a search.
        is_timed: Whether values are times, which are measured against the machine's reference.
    """

    name: ClassVar[str] = "objective"
    direction: ClassVar[Direction] = "minimize"
    unit: ClassVar[str] = ""
    scale: ClassVar[Scale] = "linear"
    estimates_submodels: ClassVar[bool] = False
    is_timed: ClassVar[bool] = False

    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            ArgumentError: If a limit is no finite number, not positive on a log scale, or the
                two contradict each other.
        """
        for side in ("at_most", "at_least"):
            limit = getattr(self, side)
            if limit is None:
                continue
            if isinstance(limit, bool) or not isinstance(limit, int | float | np.number):
                raise ArgumentError(f"{self.name}: {side} must be a number, got {limit!r}")
            if not math.isfinite(limit) or (self.scale == "log" and limit <= 0):
                expected = "a positive number" if self.scale == "log" else "a finite number"
                raise ArgumentError(f"{self.name}: {side} must be {expected}, got {limit!r}")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ArgumentError(
                f"{self.name}: at_least={self.at_least} is above at_most={self.at_most}: "
                "no structure can meet both"
            )

    def calibrated(self, machine: Mapping[str, Any]) -> "Objective":
        """Hand out the objective as it measures in a study that began on this machine.

        Args:
            machine: The machine as the study's spec holds it, with `reference_ns` where an
                objective `is_timed`.
        """
        return self

    def check_measurable(self) -> None:
        """See that the objective can measure here; one read from a database may not.

        Raises:
            ArgumentError: If it cannot; the message has the remedy.
        """
        return

    def bounds(self, structure: Any, table: Table) -> Bounds:
        """Tell what the value of a structure can be, before it is fitted.

        Args:
            structure: An unfitted estimator.
            table: What is known of the table that it would be fitted on.
        """
        return Bounds(-math.inf, math.inf)

    @abstractmethod
    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Measure one fitted model.

        Args:
            model: The estimator, fitted on the training part of a fold.
            X: (rows, features) held-out rows.
            y: (rows,) held-out targets.

        Returns:
            The value, in the objective's unit.
        """

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        """Measure every submodel of a fitted model; by default each is built and measured.

        Each has a copy of the rows of its own then, since it may write into them.

        Args:
            submodels: From small to large; the last is the fitted model itself.
            X: (rows, features) held-out rows.
            y: (rows,) held-out targets.

        Returns:
            A value for each, in the objective's unit; that of the last as `measure` gives it.
        """
        return [self.measure(submodel.materialize(), deepcopy(X), y) for submodel in submodels]

    def loss(self, values: ArrayLike) -> NDArray[np.float64]:
        """Put values on the objective's scale, smaller is better: log10 where the scale is log."""
        array = np.asarray(values, dtype=float)
        scaled = np.log10(array) if self.scale == "log" else array
        return -scaled if self.direction == "maximize" else scaled

    def fold_losses(self, values: ArrayLike) -> NDArray[np.float64]:
        """Put the values of folds on the objective's scale, so that their mean is the mean's loss.

        On a log scale a fold is off the loss of the mean by the part of the mean that it is off
        (to the first order, the logarithm of their ratio).

        Args:
            values: (..., folds) values in the unit; the last axis is one structure's folds.
        """
        array = np.asarray(values, dtype=float)
        if self.scale == "linear":
            return self.loss(array)
        mean = array.mean(axis=-1, keepdims=True)
        off = (array / mean - 1) / math.log(10)
        losses: NDArray[np.float64] = self.loss(mean) + (
            -off if self.direction == "maximize" else off
        )
        return losses

    def worsened(self, value: float, loss: float) -> float:
        """Make a value worse by so much loss; by none, it is the value itself."""
        step = -loss if self.direction == "maximize" else loss
        return value * 10.0**step if self.scale == "log" else value + step

    def violations(self, value: float) -> dict[str, float]:
        """Tell how far a value is beyond each limit, on the objective's scale.

        Returns:
            The limit as text (`parameters <= 20000`) and the excess: 0 or less when it is met.
        """
        on_scale = math.log10 if self.scale == "log" else float
        excess = {}
        if self.at_most is not None:
            excess[f"{self.name} <= {self.at_most:.15g}"] = on_scale(value) - on_scale(self.at_most)
        if self.at_least is not None:
            excess[f"{self.name} >= {self.at_least:.15g}"] = on_scale(self.at_least) - on_scale(
                value
            )
        return excess


def check_objectives(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """Check that there are objectives, each of its own name.

    Raises:
        ArgumentError: If there is no list of them, there is none, one is no `Objective`, or two
            share a name.
    """
    if not isinstance(objectives, Iterable):
        raise ArgumentError(f"objectives must be a list of objectives, got {objectives!r}")
    objectives = tuple(objectives)
    if not objectives:
        raise ArgumentError("objectives must hold at least one objective, got none")
    for objective in objectives:
        if not isinstance(objective, Objective):
            raise ArgumentError(
                "objectives must be made by optistruct.objectives, such as Score('accuracy'), "
                f"got {objective!r}"
            )
    names = [objective.name for objective in objectives]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ArgumentError(f"objectives must have different names, got {min(twice)!r} twice")
    return objectives
