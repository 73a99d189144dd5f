"""One thread: the same estimator, told not to spread over the cores."""

from typing import Any

from sklearn.base import clone

__all__ = ["single_threaded"]


def single_threaded(estimator: Any) -> Any:
    """Copy an unfitted estimator with every `n_jobs` in it, nested ones too, set to 1.

    BLAS and OpenMP have their own limits, which threadpoolctl sets.
    """
    copy = clone(estimator)
    threads = [
        name for name in copy.get_params(deep=True) if name == "n_jobs" or name.endswith("__n_jobs")
    ]
    return copy.set_params(**dict.fromkeys(threads, 1))
