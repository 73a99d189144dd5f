"""How many numbers a fitted model must store to predict, by one definition for each family.

A parameter is a numeric scalar that the fitted predictor needs to reproduce `predict`, no more:
hyperparameters, training statistics and the fixed topology of trees don't count. A definition
hands out the arrays that `predict` reads, and the count is their size; so it can be proved, by
rebuilding `predict` from exactly those arrays. The definitions are in `resources/families/`, one
file a family, each with its table.

A type of your own is registered in one line:

    stored_arrays.register(MyModel, lambda model: {"weights": Weights(model.weights_)})
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from optistruct.exceptions import ResourceError
from optistruct.resources.definitions import define_for

__all__ = ["Members", "ParameterCount", "Scalars", "Weights", "count_parameters", "stored_arrays"]


@dataclass(frozen=True)
class ParameterCount:
    """The parameters of a fitted model.

    Attributes:
        total: All of them.
        effective: Those that matter: without the weights that are zero.
        exact: Whether every part is counted by a definition; False where the fitted arrays of
            a type without one were added up.
        by_part: The total, by the name of the array; names within a member of a model follow
            its own after a dot, and members of one list are added up.
    """

    total: int
    effective: int
    exact: bool
    by_part: Mapping[str, int]


@dataclass(frozen=True)
class Weights:
    """Arrays that a prediction multiplies with or adds, so that a zero in them has no effect."""

    array: Any


@dataclass(frozen=True)
class Members:
    """Fitted models within a model, whose parameters are its own."""

    models: Sequence[Any]


@dataclass(frozen=True)
class Scalars:
    """So many scalars, where making the array would be a waste."""

    number: int


Stored = Mapping[str, Any]
"""The name of a part, and what is stored: an array or a single number, `Weights`, `Members`,
`Scalars`, or None for nothing."""


def count_parameters(model: Any, *, exact: bool = True) -> ParameterCount:
    """Count the parameters of a fitted model by the definition of its family.

    Args:
        model: A fitted estimator or transformer.
        exact: False lets a type without a definition count as the sum of its numeric fitted
            arrays (attributes that end in an underscore), which may be more or less than its
            predictions need.

    Raises:
        ResourceError: If the model's type, or that of a member, has no definition and `exact`
            is True.
        sklearn.exceptions.NotFittedError: If the model is not fitted.
    """
    if isinstance(model, BaseEstimator):
        check_is_fitted(model)
    total: Counter[str] = Counter()
    effective, is_exact = _add(model, "", total, exact)
    return ParameterCount(sum(total.values()), effective, is_exact, dict(total))


@singledispatch
def stored_arrays(model: Any) -> Stored:
    """Hand out what a fitted model stores to predict; a type's definition is registered here.

    Returns:
        The name of each part, and an array, `Weights`, `Members`, `Scalars`, or None.

    Raises:
        ResourceError: If the model's type has no definition.
    """
    kind = type(model)
    if define_for(kind):
        return stored_arrays(model)
    raise ResourceError(
        f"the parameters of a {kind.__module__}.{kind.__qualname__} cannot be counted, since "
        "nobody has said what it stores. Say it: "
        f"stored_arrays.register({kind.__qualname__}, lambda model: "
        '{"name": model.array_}), from optistruct.resources; or take the sum of its fitted '
        "arrays with exact=False; or leave ParameterCount out (ModelSize measures any model)"
    )


def has_definition(model: Any) -> bool:
    """Tell whether a definition says what models of this type store."""
    define_for(type(model))
    return stored_arrays.dispatch(type(model)) is not stored_arrays.dispatch(object)


def _add(model: Any, prefix: str, total: Counter[str], exact: bool) -> tuple[int, bool]:
    """Add a model's parts to the total; return the effective number, and whether it is exact."""
    is_exact = exact or has_definition(model)
    stored = stored_arrays(model) if is_exact else _fitted_arrays(model)
    effective = 0
    for name, part in stored.items():
        if part is None:
            continue
        if isinstance(part, Members):
            for member in part.models:
                more, is_defined = _add(member, f"{prefix}{name}.", total, exact)
                effective += more
                is_exact = is_exact and is_defined
        else:
            size, nonzero = _sizes(part)
            total[prefix + name] += size
            effective += nonzero
    return effective, is_exact


def _sizes(part: Any) -> tuple[int, int]:
    """Count an array's scalars, and those that have an effect."""
    if isinstance(part, Scalars):
        return part.number, part.number
    array = part.array if isinstance(part, Weights) else part
    if not sparse.issparse(array):
        array = np.asarray(array)
    if not isinstance(part, Weights):
        return int(array.size), int(array.size)
    nonzero = array.count_nonzero() if sparse.issparse(array) else np.count_nonzero(array)
    return int(array.size), int(nonzero)


def _fitted_arrays(model: Any) -> Stored:
    """Collect the numeric fitted arrays of a type without a definition, and its fitted members."""
    found: dict[str, Any] = {}
    for name, value in vars(model).items():
        if not name.endswith("_") or name.startswith("_"):
            continue
        values = value if isinstance(value, list | tuple) else [value]
        members = [item for item in values if hasattr(item, "get_params")]
        arrays = [item for item in values if _is_numeric(item)]
        if members:
            found[name] = Members(members)
        elif arrays:
            found[name] = Scalars(sum(_sizes(array)[0] for array in arrays))
    return found


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool | str):
        return False
    if sparse.issparse(value) or isinstance(value, np.ndarray | np.generic | int | float):
        return bool(np.issubdtype(getattr(value, "dtype", type(value)), np.number))
    return False
