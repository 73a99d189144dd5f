"""Models within models.

Most models that contain others compute no more than these do: `sum_of_members`.

As a step before the last of a pipeline, or in a column transformer or a union, a model only
transforms: there it counts as what its `transform` reads. That is registered in
`arrays_to_transform` and `operations_to_transform` for the models whose `predict` reads something
else; for all others one definition serves for both.
"""

from dataclasses import dataclass
from functools import singledispatch
from itertools import chain
from typing import Any

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, stored_arrays

__all__ = [
    "arrays_to_transform",
    "as_transformer",
    "operations_to_transform",
    "sum_of_members",
    "sum_of_transforming_members",
]


def sum_of_members(model: Any) -> float:
    """Sum the operations of the models that a model stores."""
    return _sum(stored_arrays(model))


def sum_of_transforming_members(model: Any) -> float:
    """Sum the operations of the models that a model stores to transform."""
    return _sum(arrays_to_transform(model))


def _sum(stored: Stored) -> float:
    members = [part.models for part in stored.values() if isinstance(part, Members)]
    return float(sum(map(operations_per_row, chain.from_iterable(members))))


@dataclass(frozen=True)
class _Transforming:
    """A fitted model of which only `transform` is used."""

    model: Any


def as_transformer(model: Any) -> Any:
    """Mark a model as one of which only `transform` is used, if that makes a difference."""
    definition = arrays_to_transform.dispatch(type(model))
    return model if definition is arrays_to_transform.dispatch(object) else _Transforming(model)


@singledispatch
def arrays_to_transform(model: Any) -> Stored:
    """Hand out what a model stores to transform, if that isn't what it stores to predict."""
    return stored_arrays(model)


@singledispatch
def operations_to_transform(model: Any) -> float:
    """Count the operations of a model's `transform`, if they aren't those of its `predict`."""
    return operations_per_row(model)


@stored_arrays.register(_Transforming)
def _arrays(step: Any) -> Stored:
    return arrays_to_transform(step.model)


@operations_per_row.register(_Transforming)
def _operations(step: Any) -> float:
    return operations_to_transform(step.model)
