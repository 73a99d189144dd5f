"""The fixed model that inference times are compared with, and its time on this machine.

It is a linear classifier of 64 features that predicts one row. Of seven tasks that were tried over
four minutes of a machine's fast and slow phases, predictions of scikit-learn served best: the
ratios of five models to this one spread by 0.7 to 3 %, to loops of Python or of small arrays by 1.3
to 3.7 %, to large arrays and scattered objects by 3.5 to 14 %. What slows one model's checks and
calls slows another's.
"""

import math
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from optistruct.resources.threads import one_thread

__all__ = ["reference_task", "reference_time"]

_CALIBRATION_SECONDS = 0.6
_FEATURES, _CLASSES = 64, 10


@cache
def reference_task() -> tuple[Callable[[Any], Any], NDArray[np.float64]]:
    """Make the fixed task: the `predict` of a model with fixed coefficients, and one row."""
    rng = np.random.default_rng(0)
    model = LogisticRegression()
    model.coef_ = rng.normal(size=(_CLASSES, _FEATURES))
    model.intercept_ = rng.normal(size=_CLASSES)
    model.classes_ = np.arange(_CLASSES)
    model.n_features_in_ = _FEATURES
    return model.predict, rng.normal(size=(1, _FEATURES))


@cache
def reference_time() -> float:
    """Calibrate the reference on this machine: its best call within 0.6 seconds, on one thread.

    Returns:
        Nanoseconds a call; the same at every call in one process.
    """
    predict, row = reference_task()
    clock = time.perf_counter_ns
    best = math.inf
    with one_thread():
        end = clock() + int(_CALIBRATION_SECONDS * 1e9)
        while (start := clock()) < end:
            predict(row)
            best = min(best, clock() - start)
    return best
