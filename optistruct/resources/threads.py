"""One thread: estimators told not to spread over the cores, before a fit and after it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from lightgbm import LGBMModel
from sklearn.base import BaseEstimator, clone
from threadpoolctl import threadpool_limits

__all__ = ["one_thread", "single_threaded"]

_LIBRARIES = ("sklearn", "lightgbm", "xgboost", "catboost")


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


@contextmanager
def one_thread(*models: Any) -> Iterator[None]:
    """Keep fitted models, and BLAS and OpenMP, to one thread inside the block.

    Every `n_jobs` in a model and in the fitted models that it holds is 1 inside and what it was
    afterwards, whatever happens; so is XGBoost's `nthread`.
    """
    holders = [thing for thing in _within(models) if "n_jobs" in vars(thing)]
    settings = [vars(holder)["n_jobs"] for holder in holders]
    boosters = [thing.get_booster() for thing in holders if hasattr(thing, "get_booster")]
    try:
        for holder in holders:
            vars(holder)["n_jobs"] = 1
        for booster in boosters:
            booster.set_param({"nthread": 1})
        with threadpool_limits(1):
            yield
    finally:
        for holder, setting in zip(holders, settings, strict=True):
            vars(holder)["n_jobs"] = setting
            if hasattr(holder, "get_booster"):
                holder.get_booster().set_param({"nthread": setting or 0})


def _within(things: Any) -> Iterator[Any]:
    """Go through models and all that they hold, each once."""
    seen: set[int] = set()
    left = list(things)
    while left:
        thing = left.pop()
        if isinstance(thing, list | tuple):
            left.extend(thing)
        elif isinstance(thing, Mapping):
            left.extend(thing.values())
        elif isinstance(thing, np.ndarray) and thing.dtype == object:
            left.extend(thing.flat)
        elif _is_model(thing) and id(thing) not in seen:
            seen.add(id(thing))
            yield thing
            left.extend(vars(thing).values())


def _is_model(thing: Any) -> bool:
    if isinstance(thing, type) or not hasattr(thing, "__dict__"):
        return False
    return isinstance(thing, BaseEstimator) or type(thing).__module__.startswith(_LIBRARIES)
