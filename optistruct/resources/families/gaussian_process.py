"""Gaussian processes: a weighted sum of a learnt kernel with every training row.

| models | stored | operations a row |
|---|---|---|
| regression | the n rows, a weight a row and target, the kernel's numbers | the first two |
| ... `normalize_y` | besides, the mean and the deviation of each target | no more |
| classification in two classes | the n rows, a weight a row, the kernel's numbers | the first two |
| ... in more | the rows once; for each machine 2n + n(n+1)/2, the kernel's numbers | see below |

More than two classes take one machine a class, or one a pair of classes, which has rows of its
own. They compare probabilities, and so need the variance: the square root of each row's curvature
and the lower triangle of a factor are stored, beside the weights. A machine computes the kernel
and the mean as one for two classes does, and 2n + n(n+1)/2 besides for the variance.

The weight of a row is its label less its fitted probability. The kernel's numbers are those that
were learnt, without the level of white noise, which `predict` doesn't read. A kernel counts one
operation a value of the stored row. What only a regression's `return_std` needs isn't counted.
"""

from typing import Any

import numpy as np
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays


@stored_arrays.register(GaussianProcessRegressor)
def _regressor(model: Any) -> Stored:
    return {
        "rows": model.X_train_,
        "weights": Weights(model.alpha_),
        "kernel": _read_theta(model),
        "target_mean": model._y_train_mean if model.normalize_y else None,
        "target_deviation": model._y_train_std if model.normalize_y else None,
    }


@operations_per_row.register(GaussianProcessRegressor)
def _regressor_operations(model: Any) -> float:
    return float(np.size(model.X_train_) + model.alpha_.size)


@stored_arrays.register(GaussianProcessClassifier)
def _classifier(model: Any) -> Stored:
    machines = _machines(model)
    shares_rows = model.multi_class == "one_vs_rest"
    rows = [machine.X_train_ for machine in machines[: 1 if shares_rows else None]]
    stored = {
        "rows": np.concatenate(rows),
        "weights": Weights(np.concatenate([one.y_train_ - one.pi_ for one in machines])),
        "kernel": np.concatenate([_read_theta(one) for one in machines]),
    }
    if len(machines) == 1:
        return stored
    triangles = [one.L_[np.tri(len(one.L_), dtype=bool)] for one in machines]
    return {
        **stored,
        "curvature": np.concatenate([one.W_sr_ for one in machines]),
        "factor": np.concatenate(triangles),
    }


@operations_per_row.register(GaussianProcessClassifier)
def _classifier_operations(model: Any) -> float:
    machines = _machines(model)
    means = sum(np.size(one.X_train_) + one.pi_.size for one in machines)
    if len(machines) == 1:
        return float(means)
    sizes = [one.pi_.size for one in machines]
    return float(means + sum(2 * size + size * (size + 1) / 2 for size in sizes))


def _machines(model: Any) -> list[Any]:
    """List the classifiers in two classes that the model is made of."""
    base = model.base_estimator_
    return [base] if model.n_classes_ == 2 else list(base.estimators_)


def _read_theta(model: Any) -> Any:
    """Take the learnt numbers that a kernel between two different sets of rows reads."""
    if model.optimizer is None:
        return np.empty(0)
    learnt = [number for number in model.kernel_.hyperparameters if not number.fixed]
    is_read = [not number.name.endswith("noise_level") for number in learnt]
    counts = [number.n_elements for number in learnt]
    return model.kernel_.theta[np.repeat(np.array(is_read, dtype=bool), counts)]
