"""Which models hold submodels: a family registers the types whose nested structures it knows."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import singledispatch
from typing import Any, TypeVar

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from optistruct.exceptions import NoSubmodelsError, SubmodelError
from optistruct.resources import define_for
from optistruct.submodels.nested import Submodels

__all__ = [
    "keeping",
    "nested_in",
    "parameter_of_kind",
    "submodel_parameter",
    "submodels_fall",
    "submodels_of",
]

Family = TypeVar("Family", bound=type[Submodels])

_METHODS = ("fit", "predict", "predict_proba", "predict_log_proba", "decision_function")


@singledispatch
def _family(model: Any) -> type[Submodels]:
    kind = type(model)
    if define_for(kind, "optistruct.submodels.families"):
        return _family(model)
    raise NoSubmodelsError(
        f"a {kind.__name__} holds no submodels that are known; a family of your own derives from "
        "optistruct.submodels.Submodels and is registered by @nested_in(...)"
    )


def nested_in(*types: type) -> Callable[[Family], Family]:
    """Register a family of submodels for types of models, and what derives from them.

    Args:
        *types: The types.
    """

    def register(family: Family) -> Family:
        for kind in types:
            _family.register(kind, lambda model: family)
        return family

    return register


def submodels_of(model: Any) -> Submodels:
    """Find the structures nested in a fitted model: all prefixes of a forest, say.

    Args:
        model: A fitted estimator.

    Returns:
        The submodels from small to large; `.among(values)` keeps some of them.

    Raises:
        SubmodelError: If the model holds none, for the reason given.
        sklearn.exceptions.NotFittedError: If the model is not fitted.
    """
    family = _family_of(model)
    if isinstance(model, BaseEstimator):
        check_is_fitted(model)
    return family(model)


def parameter_of_kind(structure: Any) -> str:
    """Name the parameter that submodels of its kind differ in, even if its fits hold none.

    Args:
        structure: An estimator, fitted or not.

    Raises:
        NoSubmodelsError: If those of its kind hold none that a parameter asks for.
    """
    return _family(structure).parameter_of(structure)


def submodel_parameter(structure: Any) -> str:
    """Name the parameter that the submodels of a structure differ in.

    Args:
        structure: An estimator, fitted or not.

    Returns:
        The name, as `set_params` takes it.

    Raises:
        NoSubmodelsError: If those of its kind hold none that a parameter asks for.
        SubmodelError: If its fits hold no submodels, for the reason given.
    """
    return _family_of(structure).parameter_of(structure)


def submodels_fall(structure: Any) -> bool:
    """Tell whether smaller structures have larger values of `submodel_parameter`.

    Args:
        structure: An estimator, fitted or not.

    Raises:
        SubmodelError: If its fits hold no submodels, for the reason given.
    """
    return _family_of(structure).falls_of(structure)


def keeping(model: Any, values: Sequence[Any]) -> AbstractContextManager[None]:
    """Have a fit, within the `with` block, keep what the submodels need that a model does not hold.

    Args:
        model: The unfitted model that is then fitted.
        values: The values of `submodel_parameter` that will be wanted.

    Raises:
        SubmodelError: If its fits hold no submodels, for the reason given.
        ArgumentError: If a value cannot be kept.
    """
    return _family_of(model).keeping(model, values)


def _family_of(structure: Any) -> type[Submodels]:
    """Find the family of a structure, which must have no objection to it."""
    family = _family(structure)
    reason = _objection_to_kind(type(structure)) or family.objection(structure)
    if reason is not None:
        raise SubmodelError(reason)
    return family


def _objection_to_kind(kind: type) -> str | None:
    """Refuse a type that does more, or other, than the one that its family knows."""
    registered = next(base for base in kind.__mro__ if base in _family.registry)
    library = registered.__module__.partition(".")[0]
    for base in kind.__mro__[: kind.__mro__.index(registered)]:
        if base.__module__.partition(".")[0] == library:
            continue
        for method in _METHODS:
            if method in vars(base):
                return (
                    f"a {base.__name__} has a {method} of its own, so nobody knows whether it "
                    f"holds the submodels of a {registered.__name__}: register a family for it by "
                    "@nested_in(...)"
                )
    return None
