"""How long a fitted model takes to predict, against a fixed reference in the same moments.

Single timings on a shared machine vary by tens of per cent, and whole phases of a tenth of a
second or more can be slower by two thirds. The ratio to a reference that runs in turn with the
model varies far less, because what slows one slows the other. The figure is the median of those
ratios times one calibrated time of the reference, which a study stores and uses for all figures.
"""

import gc
import math
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from threadpoolctl import threadpool_limits

__all__ = ["inference_time", "reference_time"]

_WARM_UP_CALLS = 3
_FEWEST_ROUNDS = 11
_MOST_ROUNDS = 200
_CAP_SECONDS = 0.05
_CALIBRATION_SECONDS = 0.6
_ROWS_IN_ROTATION = 32


def inference_time(
    model: Any, X: Any, batch_size: int = 1, *, reference_ns: float | None = None
) -> float:
    """Time one call of `model.predict` on a batch of rows, on one thread.

    The model and a fixed numerical task run in alternating order, at least 11 rounds and until
    0.05 seconds are spent or 200 rounds are done; rows rotate, inputs are cut out beforehand,
    garbage collection is off.

    Args:
        model: A fitted estimator with `predict`; its own `n_jobs` must be 1.
        X: (rows, features) table of real rows, of the type that deployment uses.
        batch_size: Rows a call; where X has fewer, its rows repeat.
        reference_ns: The reference's calibrated time, nanoseconds; figures compare only where it
            is the same. None calibrates it now.

    Returns:
        Microseconds a call.
    """
    rows = X.shape[0]
    batches = [
        _safe_indexing(X, np.arange(start, start + batch_size) % rows)
        for start in range(0, min(rows, _ROWS_IN_ROTATION) * batch_size, batch_size)
    ]
    reference = _reference()
    was_enabled = gc.isenabled()
    with threadpool_limits(1):
        gc.disable()
        try:
            for i in range(_WARM_UP_CALLS):
                model.predict(batches[i % len(batches)])
                reference()
            pairs = _paired(model.predict, batches, reference)
        finally:
            if was_enabled:
                gc.enable()
    taken, beside = pairs.T
    scale = reference_time() if reference_ns is None else reference_ns
    return float(np.median(taken / beside) * scale / 1e3)


def _paired(
    predict: Callable[[Any], Any], batches: list[Any], reference: Callable[[], object]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Time model and reference in turn: (rounds, 2) array of nanoseconds."""
    pairs: list[tuple[int, int]] = []
    clock = time.perf_counter_ns
    end = clock() + int(_CAP_SECONDS * 1e9)
    while len(pairs) < _MOST_ROUNDS and (len(pairs) < _FEWEST_ROUNDS or clock() < end):
        batch = batches[len(pairs) % len(batches)]
        first = clock()
        if len(pairs) % 2:
            reference()
            middle = clock()
            predict(batch)
            pairs.append((clock() - middle, middle - first))
        else:
            predict(batch)
            middle = clock()
            reference()
            pairs.append((middle - first, clock() - middle))
    return np.array(pairs, dtype=np.float64)


@cache
def _reference() -> Callable[[], object]:
    """Make the fixed task: Python and array work in the proportions of a small predict."""
    table = np.random.default_rng(0).normal(size=(64, 64))

    def task() -> object:
        total = 0.0
        for row in table:
            total += float(np.tanh(row @ table).sum())
        return total

    return task


def reference_time() -> float:
    """Calibrate the reference on this machine: its best call within 0.6 seconds, on one thread.

    Returns:
        Nanoseconds a call.
    """
    task = _reference()
    clock = time.perf_counter_ns
    best = math.inf
    with threadpool_limits(1):
        end = clock() + int(_CALIBRATION_SECONDS * 1e9)
        while (start := clock()) < end:
            task()
            best = min(best, clock() - start)
    return best
