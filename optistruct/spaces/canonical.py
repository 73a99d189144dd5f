"""What a structure is, however it was suggested: equal structures have equal keys."""

import hashlib
import sys
from collections import OrderedDict, defaultdict
from functools import partial
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from optistruct.spaces.inactive import inactive_parameters

__all__ = ["structure_key"]

_KEY_BYTES = 16
_SCALARS = (type(None), bool, int, float, complex, str, bytes, range)
_MAPPINGS = (dict, OrderedDict, defaultdict)


def structure_key(estimator: Any) -> str | None:
    """Hash what an unfitted estimator is: structures of one key predict the same once fitted.

    The class counts, and every parameter with its type, in nested estimators too, but not:

    - parameters that change neither a prediction nor a resource, such as `verbose` and `n_jobs`;
    - parameters that others put out of use, such as a linear kernel's `gamma`
      (see `inactive_parameters`);
    - the names of a pipeline's steps, and steps that do nothing.

    The key is the same in every process and on every machine. Two structures of different keys
    may still predict the same.

    Args:
        estimator: An unfitted estimator, or one whose fitted state is numbers and arrays.

    Returns:
        32 hexadecimal characters; None where a part has no stable description: a lambda, a
        function or class of a script or notebook, an open object, a fitted tree.
    """
    try:
        description = repr(_describe(estimator))
    except (_Unstable, RecursionError):
        return None
    text = description.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).hexdigest()


class _Unstable(Exception):
    """A part that cannot be described in the same way in every process."""


def _describe(value: Any) -> Any:
    """Write a value as nested tuples of texts, so that their `repr` is unambiguous."""
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in _SCALARS:
        return kind.__name__, repr(value)
    if kind in (list, tuple):
        return kind.__name__, *map(_describe, value)
    if kind in (set, frozenset):
        return kind.__name__, *sorted(map(_describe, value), key=repr)
    if kind in _MAPPINGS:
        items = ((_describe(key), _describe(item)) for key, item in value.items())
        return "dict", *sorted(items, key=repr)
    if kind is slice:
        return "slice", *map(_describe, (value.start, value.stop, value.step))
    if kind is np.ndarray:
        return _describe_array(value)
    if kind is partial:
        return "partial", *map(_describe, (value.func, value.args, value.keywords))
    if isinstance(value, type) or not hasattr(value, "get_params"):
        return "import", _import_path(value)
    return _describe_estimator(value)


def _describe_array(array: Any) -> Any:
    if array.dtype.hasobject:
        return "objects", array.shape, *map(_describe, array.ravel().tolist())
    if array.dtype.names is not None:
        raise _Unstable
    return "array", array.dtype.str, array.shape, array.tobytes().hex()


def _describe_estimator(estimator: Any) -> Any:
    parameters = estimator.get_params(deep=False)
    inactive = inactive_parameters(estimator, parameters)
    active = {name: value for name, value in parameters.items() if name not in inactive}
    if type(estimator) is Pipeline:
        steps = (step for _, step in estimator.steps)
        active["steps"] = [step for step in steps if step is not None and step != "passthrough"]
    # what is set beside the parameters: names asked of a transformer's output, a fitted state
    state = {} if _is_blank(estimator) else vars(estimator)
    beside = {name: value for name, value in state.items() if name not in parameters}
    return _import_path(type(estimator)), _describe(active), _describe(beside)


def _is_blank(estimator: Any) -> bool:
    """Tell whether there is nothing to say of an estimator but its parameters."""
    if not hasattr(estimator, "__dict__"):
        return True
    library = type(estimator).__module__.partition(".")[0]
    if library == "lightgbm":  # whose attributes repeat some parameters, before a fit
        return vars(estimator).get("_Booster") is None
    return library == "catboost" and not estimator.is_fitted()  # it holds an empty open object


def _import_path(thing: Any) -> str:
    """Name a function or class as it is imported, in this process or another."""
    module = getattr(thing, "__module__", None)
    qualname = getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str) or module == "__main__":
        raise _Unstable
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if found is not thing:
        raise _Unstable
    return f"{module}:{qualname}"
