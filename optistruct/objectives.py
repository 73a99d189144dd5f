"""What a structure is judged by: performance P(S) and resources R(S).

An objective knows its name, direction, unit and scale, measures one fitted model, and may carry a
limit, which a study passes on to the sampler as a constraint. An objective of your own is a
frozen dataclass that derives from `Objective`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import get_scorer, get_scorer_names

from optistruct.exceptions import ArgumentError, UnknownNameError
from optistruct.resources import count_parameters, inference_time, pickled_size

__all__ = [
    "InferenceTime",
    "ModelSize",
    "Objective",
    "ParameterCount",
    "Score",
    "by_name",
    "check_objectives",
]

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
    """

    name: ClassVar[str] = "objective"
    direction: ClassVar[Direction] = "minimize"
    unit: ClassVar[str] = ""
    scale: ClassVar[Scale] = "linear"

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
            machine: The machine as the study's spec holds it, `reference_ns` included.
        """
        return self

    def check_measurable(self) -> None:
        """See that the objective can measure; one read from a database may not."""
        return

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

    def loss(self, values: ArrayLike) -> NDArray[np.float64]:
        """Put values on the objective's scale, smaller is better: log10 where the scale is log."""
        array = np.asarray(values, dtype=float)
        scaled = np.log10(array) if self.scale == "log" else array
        return -scaled if self.direction == "maximize" else scaled

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


@dataclass(frozen=True, kw_only=True)
class Score(Objective):
    """A scikit-learn score on held-out rows, cross-validated by the study.

    Scorers whose name begins with `neg_` are losses; they are shown without the sign and
    minimised: `Score("neg_mean_squared_error")` is named `mean_squared_error`.

    Attributes:
        scoring: A name from `sklearn.metrics.get_scorer_names()`, or a callable
            (estimator, X, y) -> float whose larger values are better.
        label: A name of your own; needed for a callable without a `__name__`.
    """

    scoring: str | Callable[..., float] = field(kw_only=False)
    label: str | None = None

    def __post_init__(self) -> None:
        """Check the scorer and the limits.

        Raises:
            UnknownNameError: If scikit-learn has no scorer of this name.
            ArgumentError: If `scoring` is neither a name nor a callable.
        """
        if isinstance(self.scoring, str):
            if self.scoring not in get_scorer_names():
                raise UnknownNameError("scorer", self.scoring, get_scorer_names())
        elif not callable(self.scoring):
            raise ArgumentError(
                "scoring must be a scorer's name or a callable (estimator, X, y) -> float, "
                f"got {self.scoring!r}"
            )
        super().__post_init__()

    @property
    def _is_negated(self) -> bool:
        return isinstance(self.scoring, str) and self.scoring.startswith("neg_")

    @property
    def name(self) -> str:  # type: ignore[override]
        """The label, or the scorer's name without `neg_`."""
        if self.label is not None:
            return self.label
        if isinstance(self.scoring, str):
            return self.scoring.removeprefix("neg_")
        function = getattr(self.scoring, "_score_func", self.scoring)
        return str(getattr(function, "__name__", type(function).__name__))

    @property
    def direction(self) -> Direction:  # type: ignore[override]
        """Maximised, unless it is a loss."""
        return "minimize" if self._is_negated else "maximize"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Score the model on held-out rows."""
        scorer = get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring
        score = float(scorer(model, X, y))
        return -score if self._is_negated else score


@dataclass(frozen=True, kw_only=True)
class ParameterCount(Objective):
    """How many numbers the fitted model must store; see `resources.count_parameters`."""

    name: ClassVar[str] = "parameters"
    scale: ClassVar[Scale] = "log"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Count the model's parameters."""
        return float(count_parameters(model))


@dataclass(frozen=True, kw_only=True)
class InferenceTime(Objective):
    """Time of one call of `predict` on one thread; see `resources.inference_time`.

    Attributes:
        batch_size: Rows a call.
        reference_ns: The reference's calibrated time, nanoseconds; a study sets it, so that all
            of its figures compare.
    """

    unit: ClassVar[str] = "us"
    scale: ClassVar[Scale] = "log"

    batch_size: int = 1
    reference_ns: float | None = None

    def __post_init__(self) -> None:
        """Check the batch size and the limits.

        Raises:
            ArgumentError: If `batch_size` is not a positive whole number.
        """
        is_whole = isinstance(self.batch_size, int) and not isinstance(self.batch_size, bool)
        if not is_whole or self.batch_size < 1:
            raise ArgumentError(f"batch_size must be 1 or more, got {self.batch_size!r}")
        super().__post_init__()

    @property
    def name(self) -> str:  # type: ignore[override]
        """`inference_time`, with the rows of a call where it is not one: `inference_time_1000`."""
        return "inference_time" + ("" if self.batch_size == 1 else f"_{self.batch_size}")

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Time the model's predictions, in microseconds a call."""
        return inference_time(model, X, self.batch_size, reference_ns=self.reference_ns)

    def calibrated(self, machine: Mapping[str, Any]) -> "InferenceTime":
        """Take the reference's time from the machine that the study began on."""
        return replace(self, reference_ns=machine["reference_ns"])


@dataclass(frozen=True, kw_only=True)
class ModelSize(Objective):
    """Bytes of the fitted model's pickle."""

    name: ClassVar[str] = "size"
    unit: ClassVar[str] = "bytes"
    scale: ClassVar[Scale] = "log"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Measure the bytes of the model's pickle."""
        return float(pickled_size(model))


_RESOURCES: dict[str, type[Objective]] = {
    kind().name: kind for kind in (ParameterCount, InferenceTime, ModelSize)
}


def by_name(name: str) -> Objective:
    """Make an objective from its name: `parameters`, `inference_time`, `size`, or a scorer's.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    if name in _RESOURCES:
        return _RESOURCES[name]()
    if name in get_scorer_names():
        return Score(name)
    raise UnknownNameError("objective", name, [*_RESOURCES, *get_scorer_names()])


def check_objectives(objectives: Sequence[Objective]) -> tuple[Objective, ...]:
    """Check that there are objectives, each of its own name.

    Raises:
        ArgumentError: If there is none, one is no `Objective`, or two share a name.
    """
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
    return tuple(objectives)
