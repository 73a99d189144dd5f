"""Objects as text that is the same in every process, and leaves nothing out."""

import re
import sys
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils._pprint import _EstimatorPrettyPrinter

__all__ = ["written"]

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

    Whatever a process has set for printing does not count, and long lists and arrays are whole.
    """
    with config_context(print_changed_only=True), np.printoptions(**_ARRAYS):
        is_plain = type(thing).__repr__ is BaseEstimator.__repr__  # which leaves out list items
        text = (
            _EstimatorPrettyPrinter(compact=True, indent=1, indent_at_name=True).pformat(thing)
            if is_plain
            else repr(thing)
        )
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
