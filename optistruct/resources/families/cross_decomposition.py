"""Partial least squares and canonical correlation.

| models | stored | operations a row |
|---|---|---|
| regressions | a mean a feature, coefficients, an intercept a target | the coefficients |

They are counted as regressions; as transformers they would store other arrays.
"""

from typing import Any

from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

_Projection = CCA | PLSCanonical | PLSRegression


@stored_arrays.register(_Projection)
def _projection(model: Any) -> Stored:
    return {
        "mean": Weights(model._x_mean),
        "coef": Weights(model.coef_),
        "intercept": Weights(model.intercept_),
    }


@operations_per_row.register(_Projection)
def _projection_operations(model: Any) -> float:
    return float(model.coef_.size)
