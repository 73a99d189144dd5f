"""Resources R(S): parameters, operations, inference time, size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from optistruct.exceptions import ArgumentError, ResourceError, UnknownNameError
from optistruct.objectives.objective import Objective, Scale
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
    measure_side_by_side,
    model_size,
    rounds_for,
    to_onnx,
)
from optistruct.submodels import Submodels

__all__ = ["InferenceTime", "ModelSize", "Operations", "ParameterCount"]

_SECONDS_A_FOLD = 0.1
_MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6}


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

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        """Count the parameters of every submodel, without building it where all is defined."""
        try:
            return [float(parameters) for parameters in submodels.parameters()]
        except ResourceError:
            return super().measure_each(submodels, X, y)

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

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        """Count the operations of every submodel without building it."""
        smaller = [max(cost.operations, 1.0) for cost in submodels.costs()[:-1]]
        return [*smaller, self.measure(submodels.model, X, y)]  # whose last digits are its own

    def bounds(self, structure: Any, table: Table) -> Bounds:
        """Bound the operations; exactly for linear models and perceptrons."""
        bounds = bound_cost(structure, table).operations
        return Bounds(max(bounds.low, 1.0), max(bounds.high, 1.0))


@dataclass(frozen=True, kw_only=True)
class InferenceTime(Objective):
    """Time of one call of `predict` on one thread; see `resources.measure_inference_time`.

    In a search a fold's models are timed for 0.1 seconds, or as long as the percentile needs;
    `StructureStudy.remeasure` times the front with more care. Of submodels, the smallest and the
    model itself are timed, in the same time, and those between are taken to lie on a line by their
    operations.

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
    estimates_submodels: ClassVar[bool] = True
    is_timed: ClassVar[bool] = True

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
        return self._time([model], X)[0]

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        """Time the smallest and the largest side by side, and estimate those between."""
        return _on_a_line(submodels, "operations", lambda models: self._time(models, X))

    def _time(self, models: Sequence[Any], X: Any) -> list[float]:
        timings = measure_side_by_side(
            [self.runnable(model, X) for model in models],
            X,
            batch_size=self.batch_size,
            percentile=self.percentile,
            max_seconds=_SECONDS_A_FOLD / len(models),
            reference_ns=self.reference_ns,
        )
        return [self.value_of(timing) for timing in timings]

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

    In a search, of submodels the smallest and the model itself are written, and those between are
    taken to lie on a line by their parameters.

    Attributes:
        format: "pickle", "skops" or "onnx"; the last two are extras. A structure that cannot be
            written in the format is infeasible.
    """

    unit: ClassVar[str] = "bytes"
    scale: ClassVar[Scale] = "log"
    estimates_submodels: ClassVar[bool] = True

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

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        """Measure the bytes of the smallest and the largest, and estimate those between."""
        return _on_a_line(
            submodels, "parameters", lambda models: [self.measure(model, X, y) for model in models]
        )

    def check_measurable(self) -> None:
        """See that what writes the format is installed.

        Raises:
            ArgumentError: If it is not.
        """
        check_format(self.format)


def _on_a_line(
    submodels: Submodels,
    cost: Literal["parameters", "operations"],
    measure: Callable[[Sequence[Any]], list[float]],
) -> list[float]:
    """Measure the smallest submodel and the model itself; put those between on a line by a cost.

    Where that is unknown, they are on a line by the parameter in which they differ.
    """
    if len(submodels) == 1:
        return measure([submodels.model])
    low, high = measure([submodels[0].materialize(), submodels.model])
    try:
        each: Sequence[float] = (
            submodels.parameters()
            if cost == "parameters"
            else [one.operations for one in submodels.costs()]
        )
    except ResourceError:  # of a step whose cost nobody has defined
        each = [submodel.value for submodel in submodels]
    costs = np.array(each, dtype=float)
    span = costs[-1] - costs[0]
    share = np.clip((costs - costs[0]) / span, 0, 1) if span else np.ones(len(costs))
    share[-1] = 1.0
    return [float(value) for value in low + share * (high - low)]
