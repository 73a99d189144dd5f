"""Scalers and expansions of columns.

| models | stored | operations a row |
|---|---|---|
| standard, robust scaler | what is subtracted and what divides, 2 a column | 1 a column |
| min-max scaler; max-abs scaler | factor and offset, 2 a column; the divisor, 1 | 1 a column |
| power transformer | the exponent, 1 a column; the standard scaler | the scaler's |
| quantile transformer | the quantiles of each column; the references once | 2 a column |
| normalizer | nothing | 2 a column (the norm and the quotient); of the largest value, 1 |
| kernel centerer | the mean of each column; that of the whole | 2 a column |
| spline transformer | the knots of each column, also outer ones | degree x (degree + 1) a column |
| polynomial features | nothing | 1 a product |
| binarizer, function transformer | nothing; the function is not looked into | none |

What a setting switches off (`with_mean=False`) is not stored. The quantile transformer reads off
its lines from both sides. Splines are computed by de Boor's recursion, those that are not 0.
"""

from typing import Any

import numpy as np
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KernelCenterer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from optistruct.resources.families.members import sum_of_members
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, Weights, stored_arrays

_Stateless = Binarizer | FunctionTransformer


@stored_arrays.register(StandardScaler)
def _standard_scaler(model: Any) -> Stored:
    return {
        "mean": Weights(model.mean_) if model.with_mean else None,
        "scale": model.scale_ if model.with_std else None,
    }


@stored_arrays.register(RobustScaler)
def _robust_scaler(model: Any) -> Stored:
    return {
        "center": Weights(model.center_) if model.with_centering else None,
        "scale": model.scale_ if model.with_scaling else None,
    }


@stored_arrays.register(MinMaxScaler)
def _min_max_scaler(model: Any) -> Stored:
    return {"scale": Weights(model.scale_), "min": Weights(model.min_)}


@stored_arrays.register(MaxAbsScaler)
def _max_abs_scaler(model: Any) -> Stored:
    return {"scale": model.scale_}


@operations_per_row.register(MaxAbsScaler | MinMaxScaler | RobustScaler | StandardScaler)
def _scaler_operations(model: Any) -> float:
    does_something = any(part is not None for part in stored_arrays(model).values())
    return float(model.n_features_in_ if does_something else 0)


@stored_arrays.register(PowerTransformer)
def _power(model: Any) -> Stored:
    scaler = [model._scaler] if model.standardize else []
    return {"lambdas": model.lambdas_, "scaler": Members(scaler)}


@operations_per_row.register(PowerTransformer)
def _power_operations(model: Any) -> float:
    return sum_of_members(model)


@stored_arrays.register(QuantileTransformer)
def _quantiles(model: Any) -> Stored:
    return {"quantiles": model.quantiles_, "references": model.references_}


@operations_per_row.register(QuantileTransformer)
def _quantiles_operations(model: Any) -> float:
    return float(2 * model.n_features_in_)


@stored_arrays.register(Normalizer)
def _normalizer(model: Any) -> Stored:
    return {}


@operations_per_row.register(Normalizer)
def _normalizer_operations(model: Any) -> float:
    check_is_fitted(model, "n_features_in_")  # it transforms unfitted, but of unknown width
    return float((1 if model.norm == "max" else 2) * model.n_features_in_)


@stored_arrays.register(KernelCenterer)
def _kernel_centerer(model: Any) -> Stored:
    return {"rows": Weights(model.K_fit_rows_), "all": Weights(model.K_fit_all_)}


@operations_per_row.register(KernelCenterer)
def _kernel_centerer_operations(model: Any) -> float:
    return float(2 * model.K_fit_rows_.size)


@stored_arrays.register(SplineTransformer)
def _splines(model: Any) -> Stored:
    return {"knots": np.array([spline.t for spline in model.bsplines_])}


@operations_per_row.register(SplineTransformer)
def _splines_operations(model: Any) -> float:
    return float(len(model.bsplines_) * model.degree * (model.degree + 1))


@stored_arrays.register(PolynomialFeatures)
def _polynomial(model: Any) -> Stored:
    return {}


@operations_per_row.register(PolynomialFeatures)
def _polynomial_operations(model: Any) -> float:
    return float((model.powers_.sum(axis=1) > 1).sum())


@stored_arrays.register(_Stateless)
def _stateless(model: Any) -> Stored:
    return {}


@operations_per_row.register(_Stateless)
def _stateless_operations(model: Any) -> float:
    return 0.0
