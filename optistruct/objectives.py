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
from optistruct.resources import (
    FORMATS,
    Bounds,
    InferenceTiming,
    Table,
    bound_cost,
    check_batch_size,
    check_format,
    check_onnx,
    count_operations,
    count_parameters,
    measure_inference_time,
    model_size,
    rounds_for,
    to_onnx,
)

__all__ = [
    "InferenceTime",
    "ModelSize",
    "Objective",
    "Operations",
    "ParameterCount",
    "Score",
    "by_name",
    "check_objectives",
]

Direction = Literal["minimize", "maximize"]
Scale = Literal["linear", "log"]

_SECONDS_A_FOLD = 0.1
_MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6}


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
    """How many numbers the fitted model must store; see `resources.count_parameters`.

    Attributes:
        exact: False lets a type without a definition count as the sum of its numeric fitted
            arrays.
    """

    name: ClassVar[str] = "parameters"
    scale: ClassVar[Scale] = "log"

    exact: bool = True

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Count the model's parameters."""
        return float(count_parameters(model, exact=self.exact).total)

    def bounds(self, structure: Any, table: Table) -> Bounds:
        """Bound the number of parameters; exactly for linear models and perceptrons."""
        return bound_cost(structure, table).parameters


@dataclass(frozen=True, kw_only=True)
class Operations(Objective):
    """How much a prediction of one row computes; see `resources.count_operations`.

    A model that computes nothing, a tree of one leaf, counts as one operation.
    """

    name: ClassVar[str] = "operations"
    scale: ClassVar[Scale] = "log"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Count the model's operations a row."""
        return max(count_operations(model), 1.0)

    def bounds(self, structure: Any, table: Table) -> Bounds:
        """Bound the operations; exactly for linear models and perceptrons."""
        bounds = bound_cost(structure, table).operations
        return Bounds(max(bounds.low, 1.0), max(bounds.high, 1.0))


@dataclass(frozen=True, kw_only=True)
class InferenceTime(Objective):
    """Time of one call of `predict` on one thread; see `resources.measure_inference_time`.

    In a search a fold's models are timed for 0.1 seconds, or as long as the percentile needs;
    `StructureStudy.remeasure` times the front with more care.

    Attributes:
        batch_size: Rows a call.
        percentile: Which percentile of the calls, from 50 to below 100. A high one needs many:
            130 calls for 95, 662 for 99.
        unit: "us", "ms" or "s", a call.
        runtime: "python" for the model itself; "onnx" for ONNX Runtime on one thread (extra
            `onnx`). There, a structure that cannot be converted is infeasible.
        reference_ns: The reference's calibrated time, nanoseconds; a study sets it, so that all
            of its figures compare.
    """

    scale: ClassVar[Scale] = "log"

    batch_size: int = 1
    percentile: float = 50
    unit: Literal["us", "ms", "s"] = "us"  # type: ignore[misc]
    runtime: Literal["python", "onnx"] = "python"
    reference_ns: float | None = None

    def __post_init__(self) -> None:
        """Check what is to be timed, and the limits.

        Raises:
            ArgumentError: If an attribute cannot be used.
        """
        check_batch_size(self.batch_size)
        rounds_for(self.percentile)
        if self.unit not in _MICROSECONDS:
            raise ArgumentError(f"unit must be 'us', 'ms' or 's', got {self.unit!r}")
        if self.runtime not in ("python", "onnx"):
            raise ArgumentError(f"runtime must be 'python' or 'onnx', got {self.runtime!r}")
        super().__post_init__()

    @property
    def name(self) -> str:  # type: ignore[override]
        """`inference_time`, and what is not the usual: `inference_time_1000_p95_onnx`."""
        parts = ["inference_time"]
        if self.batch_size != 1:
            parts.append(str(self.batch_size))
        if self.percentile != 50:
            parts.append(f"p{self.percentile:g}")
        if self.runtime != "python":
            parts.append(self.runtime)
        return "_".join(parts)

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Time the model's predictions, in the unit a call."""
        timing = measure_inference_time(
            self.runnable(model, X),
            X,
            batch_size=self.batch_size,
            percentile=self.percentile,
            max_seconds=_SECONDS_A_FOLD,
            reference_ns=self.reference_ns,
        )
        return self.value_of(timing)

    def runnable(self, model: Any, X: Any) -> Any:
        """Hand out what is timed: the model, or its ONNX form after a parity check on `X`.

        Raises:
            NotConvertibleError: If the model cannot be converted, or then predicts otherwise.
        """
        return to_onnx(model, X) if self.runtime == "onnx" else model

    def value_of(self, timing: InferenceTiming) -> float:
        """Read the value off a timing, in the unit."""
        return timing.percentile(self.percentile) / _MICROSECONDS[self.unit]

    def check_measurable(self) -> None:
        """See that the runtime is installed.

        Raises:
            ArgumentError: If it is not.
        """
        if self.runtime == "onnx":
            check_onnx()

    def calibrated(self, machine: Mapping[str, Any]) -> "InferenceTime":
        """Take the reference's time from the machine that the study began on."""
        return replace(self, reference_ns=machine["reference_ns"])


@dataclass(frozen=True, kw_only=True)
class ModelSize(Objective):
    """Bytes of the fitted model as it would be shipped; see `resources.model_size`.

    Attributes:
        format: "pickle", "skops" or "onnx"; the last two are extras. A structure that cannot be
            written in the format is infeasible.
    """

    unit: ClassVar[str] = "bytes"
    scale: ClassVar[Scale] = "log"

    format: Literal["pickle", "skops", "onnx"] = "pickle"

    def __post_init__(self) -> None:
        """Check the format and the limits.

        Raises:
            UnknownNameError: If there is no such format.
        """
        if self.format not in FORMATS:
            raise UnknownNameError("format", self.format, FORMATS)
        super().__post_init__()

    @property
    def name(self) -> str:  # type: ignore[override]
        """`size`, with the format where it is not a pickle: `size_onnx`."""
        return "size" if self.format == "pickle" else f"size_{self.format}"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Measure the bytes of the model."""
        return float(model_size(model, self.format, X))

    def check_measurable(self) -> None:
        """See that what writes the format is installed.

        Raises:
            ArgumentError: If it is not.
        """
        check_format(self.format)


_RESOURCES: dict[str, type[Objective]] = {
    kind().name: kind for kind in (ParameterCount, Operations, InferenceTime, ModelSize)
}


def by_name(name: str) -> Objective:
    """Make an objective from its name: that of a resource, or a scorer's.

    Args:
        name: `parameters`, `operations`, `inference_time`, `size`, or one of
            `sklearn.metrics.get_scorer_names()`.

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
