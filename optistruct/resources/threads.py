"""One thread: estimators told not to spread over the cores, before a fit and after it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from lightgbm import LGBMModel
from sklearn.base import BaseEstimator, clone
from threadpoolctl import get_cached_controller

__all__ = ["LIBRARIES", "THREADS", "one_thread", "one_thread_predict", "single_threaded"]

THREADS = {"n_jobs", "num_threads", "num_thread", "nthread", "nthreads", "thread_count"}
"""What libraries call the number of threads."""

LIBRARIES = ("sklearn", "lightgbm", "xgboost", "catboost")
"""Whose models are known here."""


def single_threaded(estimator: Any) -> Any:
    """Copy an unfitted estimator with every number of threads in it, nested ones too, set to 1.

    None stays where it means one thread, as in scikit-learn; in LightGBM it means every core.
    BLAS and OpenMP have their own limits, which threadpoolctl sets.
    """
    copy = clone(estimator)
    parameters = copy.get_params(deep=True)
    threads = {}
    for name, value in parameters.items():
        owner, _, parameter = name.rpartition("__")
        is_open = isinstance(parameters.get(owner, copy), LGBMModel)
        if parameter in THREADS and (value is not None or is_open):
            threads[name] = 1
    for name, thing in {"": copy, **parameters}.items():
        if _is_catboost(thing):  # whose parameters are those that were given only
            threads[f"{name}__thread_count".removeprefix("__")] = 1
    return copy.set_params(**threads)


_blas = Lock()


@contextmanager
def _libraries_on_one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread.

    OpenMP has a number for each thread that calls it, BLAS one for the whole process: as long as
    one thread has set it, another lets it be, which could not know what it was before.
    """
    controller = get_cached_controller()
    with ExitStack() as stack:
        if _blas.acquire(blocking=False):
            stack.callback(_blas.release)
            stack.enter_context(controller.select(user_api="blas").limit(limits=1))
        stack.enter_context(controller.select(user_api="openmp").limit(limits=1))
        yield


@contextmanager
def one_thread(*models: Any) -> Iterator[None]:
    """Keep fitted models, and BLAS and OpenMP, to one thread inside the block.

    Every number of threads in a model and in the fitted models that it holds is 1 inside and what
    it was afterwards, whatever happens.
    """
    settings: list[tuple[dict[str, Any], str, Any]] = []
    boosters = []
    for thing in _within(models):
        for owner in (vars(thing), vars(thing).get("_other_params", {})):
            settings += [(owner, name, owner[name]) for name in THREADS & owner.keys()]
        if hasattr(thing, "get_booster") and thing.__sklearn_is_fitted__():
            boosters.append((thing.get_booster(), getattr(thing, "n_jobs", None) or 0))
    try:
        for owner, name, _ in settings:
            owner[name] = 1
        for booster, _ in boosters:
            booster.set_param({"nthread": 1})
        with _libraries_on_one_thread():
            yield
    finally:
        for owner, name, setting in settings:
            owner[name] = setting
        for booster, threads in boosters:
            booster.set_param({"nthread": threads})


def one_thread_predict(model: Any) -> Callable[[Any], Any]:
    """Hand out a model's `predict`; CatBoost takes the number of threads with the call."""
    predict: Callable[..., Any] = model.predict
    return partial(predict, thread_count=1) if _is_catboost(model) else predict


def _is_catboost(thing: Any) -> bool:
    return any(base.__module__.startswith("catboost") for base in type(thing).__mro__)


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
    return isinstance(thing, BaseEstimator) or type(thing).__module__.startswith(LIBRARIES)
