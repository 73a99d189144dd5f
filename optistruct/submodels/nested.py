"""What a fitted model holds besides itself: the smaller structures along one of its parameters."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal, NamedTuple, Self, overload

from numpy.typing import NDArray

from optistruct.exceptions import ArgumentError
from optistruct.resources import count_operations, count_parameters
from optistruct.submodels.step_time import StepTime

__all__ = ["Method", "Submodel", "SubmodelCost", "Submodels"]

Method = Literal["predict", "predict_proba", "decision_function"]
"""A method of a fitted model that turns a table into predictions."""


class SubmodelCost(NamedTuple):
    """What a submodel costs, told without building it.

    Attributes:
        parameters: `count_parameters(model).total` of the submodel as a model of its own.
        operations: `count_operations(model)` of it.
    """

    parameters: int
    operations: float


@dataclass(frozen=True)
class Submodel:
    """A structure nested in a fitted model.

    Attributes:
        parameter: The model's parameter that is smaller here, as `set_params` names it.
        value: Its value here.
    """

    parameter: str
    value: Any
    _nest: "Submodels" = field(repr=False, compare=False)

    def materialize(self) -> Any:
        """Make the submodel a fitted model of its own, which holds nothing of the larger one."""
        return self._nest.materialize(self.value)


class Submodels(Sequence[Submodel], ABC):
    """The structures nested in one fitted model, from small to large; the last is the model itself.

    The law: a submodel equals a refit with that value of the parameter, in every prediction and to
    the bit, unless `difference` says otherwise.

    A family of models derives from this class and is registered by `nested_in`.

    Args:
        model: The fitted model; it is not changed.
        values: Those of the submodels, from small structures to large ones; None for all there are.

    Raises:
        ArgumentError: If the model does not hold one of the values, or they are out of order.

    Attributes:
        model: The fitted model.
        parameter: The parameter that the submodels differ in, as `set_params` names it.
        values: Its values, from small structures to large ones.
        falls: Whether smaller structures have larger values.
        step_time: How long a fit goes on for each step of the parameter; None where it takes as
            long whatever the value.
        difference: How a submodel differs from a refit with its value; None if it does not.
    """

    parameter: str
    falls: bool = False
    step_time: StepTime | None = None
    difference: str | None = None

    def __init__(self, model: Any, values: Sequence[Any] | None = None) -> None:
        self.model = model
        self.parameter = self.parameter_of(model)
        self.falls = self.falls_of(model)
        self.values: tuple[Any, ...] = tuple(self.all_values() if values is None else values)
        low, high = self.span()
        is_counted = isinstance(low, Integral) and isinstance(high, Integral)
        for value in self.values:
            if is_counted and not isinstance(value, Integral):
                raise ArgumentError(
                    f"values of {self.parameter} must be whole numbers, got {value!r}"
                )
            if not low <= value <= high:
                raise ArgumentError(
                    f"the fitted {type(model).__name__} holds submodels of {self.parameter} from "
                    f"{low} to {high}, got {value!r}"
                )
        if self.values != tuple(sorted(self.values, reverse=self.falls)):
            raise ArgumentError(
                f"values of {self.parameter} must go from small structures to large ones, "
                f"{'falling' if self.falls else 'rising'}, got {list(self.values)}"
            )

    @classmethod
    def parameter_of(cls, structure: Any) -> str:
        """Name the parameter that the submodels differ in, as `set_params` takes it."""
        return cls.parameter

    @classmethod
    def falls_of(cls, structure: Any) -> bool:
        """Tell whether smaller structures have larger values of the parameter."""
        return cls.falls

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Tell why a model holds no submodels because of its parameters; None if it does.

        Args:
            structure: The model, fitted or not.
        """
        return None

    @classmethod
    def keeping(cls, model: Any, values: Sequence[Any]) -> AbstractContextManager[None]:
        """Have a fit, within the `with` block, keep what the submodels need; here there is nothing.

        Args:
            model: The unfitted model that is then fitted.
            values: Those of the submodels that will be wanted.
        """
        return nullcontext()

    @abstractmethod
    def span(self) -> tuple[Any, Any]:
        """Tell the least and the largest value of the parameter that the model holds."""

    @abstractmethod
    def all_values(self) -> Sequence[Any]:
        """List the value of every submodel there is, from small structures to large ones."""

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Predict with every submodel in turn, in one pass over what they share.

        By default each is built and asked: they share nothing.

        Args:
            X: (rows, features) table.
            method: Which method of the model predicts.

        Yields:
            For each submodel, to the bit, what this method of `materialize(value)` returns.

        Raises:
            AttributeError: If the model has no such method.
        """
        getattr(self.model, method)
        for value in self.values:
            yield getattr(self.materialize(value), method)(X)

    @abstractmethod
    def costs(self) -> list[SubmodelCost]:
        """Tell the cost of every submodel, without building any.

        Raises:
            ResourceError: If nobody has said what a part of the model costs.
        """

    def parameters(self) -> list[int]:
        """Tell how many parameters every submodel has.

        A family that knows this sooner than all costs tells it itself.

        Raises:
            ResourceError: As `costs`.
        """
        return [cost.parameters for cost in self.costs()]

    def costs_alike(self) -> list[SubmodelCost]:
        """Count the model once, for a family in which all submodels cost the same."""
        cost = SubmodelCost(count_parameters(self.model).total, count_operations(self.model))
        return [cost] * len(self)

    @abstractmethod
    def materialize(self, value: Any) -> Any:
        """Make one submodel a fitted model of its own, which holds nothing of the larger one."""

    def among(self, values: Sequence[Any]) -> Self:
        """Keep the submodels of these values only.

        Args:
            values: From small structures to large ones.

        Raises:
            ArgumentError: If the model does not hold one of them, or they are out of order.
        """
        return type(self)(self.model, values)

    @overload
    def __getitem__(self, index: int) -> Submodel: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Submodel, ...]: ...
    def __getitem__(self, index: int | slice) -> Submodel | tuple[Submodel, ...]:
        """Hand out submodels by their place, the smallest first."""
        if isinstance(index, slice):
            return tuple(Submodel(self.parameter, value, self) for value in self.values[index])
        return Submodel(self.parameter, self.values[index], self)

    def __len__(self) -> int:
        """Count the submodels."""
        return len(self.values)

    def __repr__(self) -> str:
        """Say what is nested in what."""
        return (
            f"<{len(self)} submodels of a {type(self.model).__name__}, by {self.parameter}: "
            f"{', '.join(map(str, [*self.values[:1], *self.values[1:][-1:]]))}>"
        )
