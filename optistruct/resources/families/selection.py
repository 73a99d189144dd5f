"""Selectors of columns.

| models | stored | operations a row |
|---|---|---|
| selectors | the kept columns' indices | none |
| RFE, RFECV | the kept columns' indices, and the estimator that predicts from them | its |

A selector's estimator is needed to fit, not to transform. Only RFE and RFECV predict with theirs:
one that is a step before the last of a pipeline, where it only transforms, doesn't count it.
"""

from typing import Any

from sklearn.feature_selection import RFE, SelectorMixin

from optistruct.resources.families.members import (
    arrays_to_transform,
    operations_to_transform,
)
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, stored_arrays


@arrays_to_transform.register(RFE)
@stored_arrays.register(SelectorMixin)
def _selector(model: Any) -> Stored:
    return {"support": model.get_support(indices=True)}


@operations_to_transform.register(RFE)
@operations_per_row.register(SelectorMixin)
def _selector_operations(model: Any) -> float:
    return 0.0


@stored_arrays.register(RFE)
def _elimination(model: Any) -> Stored:
    return {**_selector(model), "estimator": Members([model.estimator_])}


@operations_per_row.register(RFE)
def _elimination_operations(model: Any) -> float:
    return operations_per_row(model.estimator_)
