"""Objects as text that is the same in every process."""

import re
import sys
from hashlib import blake2b
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils._pprint import _EstimatorPrettyPrinter

__all__ = ["written"]

_MOST = 1_000_000  # characters, so that nothing is left out
_WIDTH = 80
_FEW = 100  # numbers of an array that are written one by one
_ARRAYS: dict[str, Any] = {
    "threshold": sys.maxsize,
    "precision": 17,
    "floatmode": "unique",
    "linewidth": 75,
    "suppress": False,
    "sign": "-",
    "nanstr": "nan",
    "infstr": "inf",
    "formatter": None,
    "legacy": False,
}


def written(thing: Any) -> str:
    """Write an object without the addresses that differ from process to process.

    Long lists are whole, long arrays are told by a hash, and what a process has set for printing
    estimators and arrays does not count. Sets and pandas' tables are as Python prints them.
    """
    with (
        config_context(print_changed_only=True),
        np.printoptions(**_ARRAYS, override_repr=_array),
    ):
        text = _text(thing)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _text(thing: Any) -> str:
    is_estimator = isinstance(thing, BaseEstimator)
    if is_estimator and type(thing).__repr__ is not BaseEstimator.__repr__:
        try:
            return str(thing.__repr__(N_CHAR_MAX=_MOST))
        except TypeError:
            return repr(thing)
    # as scikit-learn itself prints, but the items of lists that it leaves out
    width = _WIDTH if is_estimator else _MOST
    printer = _EstimatorPrettyPrinter(compact=True, indent=1, indent_at_name=True, width=width)
    return str(printer.pformat(thing))


def _array(array: Any) -> str:
    if array.size <= _FEW or array.dtype.hasobject:
        with np.printoptions(override_repr=None):
            return repr(array)
    content = blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
    return f"array({array.dtype.str}, {array.shape}, {content})"
