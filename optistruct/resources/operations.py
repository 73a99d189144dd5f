"""How much a fitted model computes to predict one row: a cost that no noise touches.

An operation is one comparison on the way down a tree, on the mean path of the rows that the tree
was fitted on, or one multiplication with its addition elsewhere. Functions of one number (an
exponential, a square root), look-ups, sorting and the choice of the largest class don't count.
The definitions are in `resources/families/`, beside what each family stores.

A type of your own is registered in one line:

    operations_per_row.register(MyModel, lambda model: model.weights_.size)
"""

from functools import singledispatch
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from optistruct.exceptions import ResourceError
from optistruct.resources.definitions import define_for

__all__ = ["count_operations", "operations_per_row"]


def count_operations(model: Any) -> float:
    """Count the operations of a fitted model a row.

    Args:
        model: A fitted estimator or transformer.

    Returns:
        Comparisons and multiply-adds a row; a mean, so not always whole.

    Raises:
        ResourceError: If the model's type, or that of a member, has no definition.
        sklearn.exceptions.NotFittedError: If the model is not fitted.
    """
    if isinstance(model, BaseEstimator):
        check_is_fitted(model)
    return float(operations_per_row(model))


@singledispatch
def operations_per_row(model: Any) -> float:
    """Count a model's operations without looking whether it is fitted; definitions register here.

    Raises:
        ResourceError: If the model's type has no definition.
    """
    kind = type(model)
    if define_for(kind):
        return operations_per_row(model)
    raise ResourceError(
        f"the operations of a {kind.__module__}.{kind.__qualname__} cannot be counted, since "
        "nobody has said what it computes. Say it: "
        f"operations_per_row.register({kind.__qualname__}, lambda model: model.array_.size), "
        "from optistruct.resources; or leave Operations out (InferenceTime measures any model)"
    )
