"""Pipelines: the submodels of the last step, behind the same preparation."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from optistruct.exceptions import NoSubmodelsError, SubmodelError
from optistruct.resources import count_operations, count_parameters
from optistruct.submodels.nested import Method, SubmodelCost, Submodels
from optistruct.submodels.registry import (
    keeping,
    nested_in,
    parameter_of_kind,
    submodel_parameter,
    submodels_fall,
    submodels_of,
)

__all__ = ["PipelineSubmodels"]

_NOTHING = (None, "passthrough")


@nested_in(Pipeline)
class PipelineSubmodels(Submodels):
    """The submodels of a pipeline's last step, which may be a pipeline again.

    The steps before are the model's own, or copies of them where a submodel is built.
    """

    def __init__(self, model: Any, values: Sequence[Any] | None = None) -> None:
        self._nest = submodels_of(model[-1])
        super().__init__(model, values)
        if values is not None:
            self._nest = self._nest.among(values)
        self.step_time = self._nest.step_time
        self.difference = self._nest.difference

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse a last step that holds no submodels, for its own reason.

        Raises:
            NoSubmodelsError: If those of its kind hold none.
        """
        name, last = structure.steps[-1]
        if last in _NOTHING:
            return f"the last step of the pipeline, {name!r}, is no model: it passes its table on"
        try:
            submodel_parameter(last)
        except SubmodelError as error:
            reason = f"the last step of the pipeline, {name!r}, holds no submodels: {error}"
            if isinstance(error, NoSubmodelsError):
                raise NoSubmodelsError(reason) from None
            return reason
        return None

    @classmethod
    def parameter_of(cls, structure: Any) -> str:
        """Name the last step and its parameter."""
        name, last = structure.steps[-1]
        return f"{name}__{parameter_of_kind(last)}"

    @classmethod
    def falls_of(cls, structure: Any) -> bool:
        """Ask the last step."""
        return submodels_fall(structure.steps[-1][1])

    @classmethod
    def keeping(cls, model: Any, values: Sequence[Any]) -> AbstractContextManager[None]:
        """Ask the last step."""
        return keeping(model.steps[-1][1], values)

    def span(self) -> tuple[Any, Any]:
        """Hold what the last step holds."""
        return self._nest.span()

    def all_values(self) -> Sequence[Any]:
        """List those of the last step."""
        return self._nest.values

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Prepare the table once."""
        getattr(self.model, method)
        for _, step in self.model.steps[:-1]:
            if step not in _NOTHING:
                X = step.transform(X)
        yield from self._nest.responses(X, method)

    def costs(self) -> list[SubmodelCost]:
        """Add the cost of the preparation to that of each."""
        before = self._preparation()
        parameters, operations = count_parameters(before).total, count_operations(before)
        return [
            SubmodelCost(cost.parameters + parameters, cost.operations + operations)
            for cost in self._nest.costs()
        ]

    def parameters(self) -> list[int]:
        """Add those of the preparation to those of each."""
        before = count_parameters(self._preparation()).total
        return [parameters + before for parameters in self._nest.parameters()]

    def materialize(self, value: Any) -> Any:
        """Put the submodel of the last step in its place."""
        smaller = copy.copy(self.model)
        name, _ = self.model.steps[-1]
        before = [(step_name, _copied(step)) for step_name, step in self.model.steps[:-1]]
        smaller.steps = [*before, (name, self._nest.materialize(value))]
        return smaller

    def _preparation(self) -> Any:
        """Copy the pipeline without its last step."""
        before = copy.copy(self.model)
        before.steps = [*self.model.steps[:-1], ("last", "passthrough")]
        return before


def _copied(step: Any) -> Any:
    """Copy a step, since a new fit of a pipeline fits its steps anew; some cannot be copied."""
    try:
        return copy.deepcopy(step)
    except Exception:  # of its own code, as that of a lock
        return step
