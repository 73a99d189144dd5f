"""Objects as text that is the same in every process."""

import re
from typing import Any

__all__ = ["written"]

_MOST = 1_000_000  # characters, so that scikit-learn leaves nothing out


def written(thing: Any) -> str:
    """Write an object without the addresses that differ from process to process."""
    try:
        text = thing.__repr__(N_CHAR_MAX=_MOST)
    except TypeError:
        text = repr(thing)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
