"""One thread: the same estimator, told not to spread over the cores."""

from typing import Any

from lightgbm import LGBMModel
from sklearn.base import clone

__all__ = ["single_threaded"]


def single_threaded(estimator: Any) -> Any:
    """Copy an unfitted estimator with every `n_jobs` in it, nested ones too, set to 1.

    None stays where it means one thread, as in scikit-learn; in LightGBM it means every core.
    BLAS and OpenMP have their own limits, which threadpoolctl sets.
    """
    copy = clone(estimator)
    parameters = copy.get_params(deep=True)
    threads = []
    for name, value in parameters.items():
        owner, _, parameter = name.rpartition("__")
        is_open = isinstance(parameters.get(owner, copy), LGBMModel)
        if parameter == "n_jobs" and (value is not None or is_open):
            threads.append(name)
    return copy.set_params(**dict.fromkeys(threads, 1))
