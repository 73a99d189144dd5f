"""Bytes of a model as it would be shipped."""

import pickle
from typing import Any

__all__ = ["pickled_size"]


def pickled_size(model: Any) -> int:
    """Measure the bytes of a model's pickle (protocol 5).

    Args:
        model: A fitted estimator.

    Returns:
        Bytes.
    """
    return len(pickle.dumps(model, protocol=5))
