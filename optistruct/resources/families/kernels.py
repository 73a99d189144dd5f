"""Support vector machines and kernel ridge: a weighted sum of kernels with stored rows.

| models | stored | operations a row |
|---|---|---|
| support vector machine | support vectors, dual coefficients, intercepts | the first two |
| ... `kernel="linear"` | coefficients, intercepts | support vectors, dual coefficients |
| ... `kernel="precomputed"` | the vectors' indices, dual coefficients, intercepts | the second |
| ... `probability=True` | Platt's two arrays besides | no more |
| kernel ridge | the training rows, dual coefficients | both |
| ... `kernel="linear"` | a coefficient a feature and target | the rows, dual coefficients |
| ... `kernel="precomputed"` | dual coefficients | dual coefficients |

A kernel counts one operation a value of the stored row. A linear kernel need store no rows, only
the sum that they make (for each pair of classes), but it computes with the rows. `gamma` is a
hyperparameter, even where "scale" takes it from the data. A sparse matrix of rows counts as its
three arrays, and its values are those that it stores.
"""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC, SVR, NuSVC, NuSVR

from optistruct.resources.families.matrices import matrix
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

_Machine = NuSVC | NuSVR | SVC | SVR


@stored_arrays.register(_Machine)
def _machine(model: Any) -> Stored:
    stored = {**_support(model), "intercept": Weights(model.intercept_)}
    if np.size(getattr(model, "_probA", ())):  # scikit-learn 1.11 removes it
        return {**stored, "platt_a": model._probA, "platt_b": model._probB}
    return stored


def _support(model: Any) -> Stored:
    if model.kernel == "linear":
        coef = model.coef_
        return {"coef": Weights(coef.toarray() if sparse.issparse(coef) else coef)}
    dual = model.dual_coef_
    weights = Weights(dual.data if sparse.issparse(dual) else dual)
    return {**_support_vectors(model), "dual_coef": weights}


def _support_vectors(model: Any) -> Stored:
    if model.kernel == "precomputed":
        return {"support": model.support_}
    if callable(model.kernel):  # the model keeps all training rows, and needs these
        return {"support_vectors": np.asarray(model._BaseLibSVM__Xfit)[model.support_]}
    return matrix("support_vectors", model.support_vectors_)


@operations_per_row.register(_Machine)
def _machine_operations(model: Any) -> float:
    is_given = model.kernel == "precomputed"
    values = 0 if is_given else _support_vectors(model)["support_vectors"].size
    return float(values + model.dual_coef_.size)


@stored_arrays.register(KernelRidge)
def _kernel_ridge(model: Any) -> Stored:
    if model.kernel == "linear":
        return {"coef": Weights(model.X_fit_.T @ model.dual_coef_)}
    rows = {} if model.kernel == "precomputed" else matrix("rows", model.X_fit_)
    return {**rows, "dual_coef": Weights(model.dual_coef_)}


@operations_per_row.register(KernelRidge)
def _kernel_ridge_operations(model: Any) -> float:
    values = 0 if model.kernel == "precomputed" else model.X_fit_.size
    return float(values + model.dual_coef_.size)
