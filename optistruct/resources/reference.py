"""The fixed task that inference times are compared with, and its time on this machine."""

import math
import time
from collections.abc import Callable
from functools import cache

import numpy as np

from optistruct.resources.threads import one_thread

__all__ = ["reference_task", "reference_time"]

_CALIBRATION_SECONDS = 0.6


@cache
def reference_task() -> Callable[[], object]:
    """Make the fixed task: Python and array work in the proportions of a small predict."""
    table = np.random.default_rng(0).normal(size=(64, 64))

    def task() -> object:
        total = 0.0
        for row in table:
            total += float(np.tanh(row @ table).sum())
        return total

    return task


@cache
def reference_time() -> float:
    """Calibrate the reference on this machine: its best call within 0.6 seconds, on one thread.

    Returns:
        Nanoseconds a call; the same at every call in one process.
    """
    task = reference_task()
    clock = time.perf_counter_ns
    best = math.inf
    with one_thread():
        end = clock() + int(_CALIBRATION_SECONDS * 1e9)
        while (start := clock()) < end:
            task()
            best = min(best, clock() - start)
    return best
