"""Compositions of models.

| models | stored | operations a row |
|---|---|---|
| pipeline, column transformer, union | the sum of the parts | the sum |
| regression of a transformed target | the regressor and the target's transformer | the sum |

What is passed through or dropped stores nothing, nor does a transformer that was given no
columns. The choice of columns and the weights of a column transformer's or union's parts are
settings and don't count, and nor do the multiplications with these weights.
"""

from collections.abc import Iterable
from typing import Any

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import FeatureUnion, Pipeline

from optistruct.resources.families.members import (
    arrays_to_transform,
    as_transformer,
    operations_to_transform,
    sum_of_members,
    sum_of_transforming_members,
)
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, stored_arrays


@stored_arrays.register(Pipeline)
def _pipeline(model: Any) -> Stored:
    return {**_transformers(model.steps[:-1]), **_members(model.steps[-1:])}


@arrays_to_transform.register(Pipeline)
def _transforming_pipeline(model: Any) -> Stored:
    return _transformers(model.steps)


@stored_arrays.register(ColumnTransformer)
def _column_transformer(model: Any) -> Stored:
    inputs = model._transformer_to_input_indices
    return _transformers(part[:2] for part in model.transformers_ if len(inputs[part[0]]))


@stored_arrays.register(FeatureUnion)
def _union(model: Any) -> Stored:
    return _transformers(model.transformer_list)


@stored_arrays.register(TransformedTargetRegressor)
def _transformed_target(model: Any) -> Stored:
    transformer = as_transformer(model.transformer_)
    return _members([("regressor", model.regressor_), ("transformer", transformer)])


operations_per_row.register(
    ColumnTransformer | FeatureUnion | Pipeline | TransformedTargetRegressor, sum_of_members
)
operations_to_transform.register(Pipeline, sum_of_transforming_members)


def _transformers(parts: Iterable[tuple[str, Any]]) -> Stored:
    return _members((name, as_transformer(part)) for name, part in parts)


def _members(parts: Iterable[tuple[str, Any]]) -> Stored:
    """Hand out each part under its name, but for what is passed through or dropped."""
    return {
        name: Members([part])
        for name, part in parts
        if part is not None and not isinstance(part, str)
    }
