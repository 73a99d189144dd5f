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

_MOST = 1_000_000  # characters, so that an estimator that prints itself leaves nothing out
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

    Of an estimator, long lists are whole, long arrays are told by a hash, and what a process has
    set for printing does not count. What prints itself in its own way, as sets and pandas' tables
    do, is told by that.
    """
    with (
        config_context(print_changed_only=True),
        np.printoptions(**_ARRAYS, override_repr=_array),
    ):
        text = _text(thing)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _text(thing: Any) -> str:
    if type(thing).__repr__ is BaseEstimator.__repr__:  # which leaves out items of long lists
        printer = _EstimatorPrettyPrinter(compact=True, indent=1, indent_at_name=True)
        return str(printer.pformat(thing))
    try:
        return str(thing.__repr__(N_CHAR_MAX=_MOST))
    except TypeError:
        return repr(thing)


def _array(array: Any) -> str:
    if array.size <= _FEW or array.dtype.hasobject:
        with np.printoptions(override_repr=None):
            return repr(array)
    content = blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
    return f"array({array.dtype!r}, {array.shape}, {content})"
