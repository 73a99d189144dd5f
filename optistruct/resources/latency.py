"""How long a fitted model takes to predict, against a fixed reference in the same moments.

Single timings on a shared machine vary by tens of per cent, and whole phases of a tenth of a
second or more can be slower by two thirds. The ratio to a reference that runs before and after
each call varies far less, because what slows one slows the other. The figure is the median of those
ratios times one calibrated time of the reference, which a study stores and uses for all figures.
What only the model feels, such as a neighbour that empties the shared caches of a large model,
stays in it.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, nbinom
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from optistruct.exceptions import ArgumentError, ResourceError
from optistruct.resources.machine import describe_machine
from optistruct.resources.onnx_runtime import OnnxModel
from optistruct.resources.reference import reference_task, reference_time
from optistruct.resources.threads import one_thread, one_thread_predict

__all__ = [
    "InferenceTiming",
    "check_batch_size",
    "measure_inference_time",
    "measure_side_by_side",
    "rounds_for",
]

_WARM_UP_CALLS = 20
_WARM_UP_NS = 50_000_000
_MOST_REFERENCES = 20
_FEWEST_IN_BLOCK = 4
_MOST_IN_BLOCK = 30
_BLOCK_NS = 20_000_000
_FEWEST_BLOCKS = 5
_NARROW = 0.03
_RESAMPLES = 199
_ROWS_IN_ROTATION = 32


@dataclass(frozen=True)
class InferenceTiming:
    """How long one call of a model's `predict` takes, on one thread.

    Attributes:
        ratios: (rounds,) paired ratios to the reference.
        reference_ns: The reference's calibrated time, nanoseconds.
        batch_size: Rows a call.
        interval: 95 % bootstrap interval of the median, microseconds a call.
        cold: The very first call, microseconds, as the clock told it.
        machine: The machine, with its load; see `describe_machine`.
    """

    ratios: NDArray[np.float64] = field(repr=False)
    reference_ns: float = field(repr=False)
    batch_size: int
    interval: tuple[float, float]
    cold: float
    machine: Mapping[str, Any]

    @property
    def rounds(self) -> int:
        """How many calls were timed, each between two of the reference."""
        return len(self.ratios)

    @property
    def ratio(self) -> float:
        """Median of the paired ratios to the reference: what compares between machines."""
        return float(np.median(self.ratios))

    @property
    def p50(self) -> float:
        """Median, microseconds a call."""
        return self.percentile(50)

    @property
    def p95(self) -> float:
        """95th percentile, microseconds a call; NaN from too few rounds."""
        return self.percentile(95)

    @property
    def per_row(self) -> float:
        """Median, microseconds a row."""
        return self.p50 / self.batch_size

    @property
    def width(self) -> float:
        """Width of the interval as a part of the median; above 0.03, the time ran out."""
        return (self.interval[1] - self.interval[0]) / self.p50

    def percentile(self, percentile: float) -> float:
        """Tell a percentile, microseconds a call; NaN from fewer rounds than `rounds_for` says."""
        if self.rounds < rounds_for(percentile):
            return math.nan
        return float(np.percentile(self.ratios, percentile) * self.reference_ns / 1e3)


def measure_inference_time(
    model: Any,
    X: Any,
    *,
    batch_size: int = 1,
    percentile: float = 95,
    max_seconds: float = 3.0,
    reference_ns: float | None = None,
) -> InferenceTiming:
    """Time one call of `model.predict` on a batch of rows, on one thread.

    Each call is timed between two runs of a fixed reference, which is repeated for about half as
    long as the call takes. It goes on until there are calls enough for the percentile and the
    bootstrap interval of the median is at most 3 % wide, or the time is up. Real rows rotate, cut
    out beforehand; garbage collection is off; 20 calls or 50 milliseconds go before as a warm-up.
    The model's own thread settings are 1 meanwhile.

    Args:
        model: A fitted estimator with `predict`, or an `OnnxModel`.
        X: (rows, features) table of real rows, of the type that deployment uses.
        batch_size: Rows a call; where X has fewer, its rows repeat.
        percentile: The highest percentile that is wanted, 50 or more and below 100.
        max_seconds: When to stop, in seconds; the calls that the percentile needs are timed all
            the same.
        reference_ns: The reference's calibrated time, nanoseconds; figures compare only where it
            is the same. None calibrates it, once a process.

    Raises:
        ArgumentError: If an argument cannot be used.
        ResourceError: If `predict` raises, or does not predict one value a row.
        sklearn.exceptions.NotFittedError: If the model is not fitted.
    """
    return measure_side_by_side(
        [model],
        X,
        batch_size=batch_size,
        percentile=percentile,
        max_seconds=max_seconds,
        reference_ns=reference_ns,
    )[0]


def measure_side_by_side(
    models: Sequence[Any],
    X: Any,
    *,
    batch_size: int = 1,
    percentile: float = 95,
    max_seconds: float = 3.0,
    reference_ns: float | None = None,
) -> list[InferenceTiming]:
    """Time several models as `measure_inference_time` does one, block by block in turn.

    A block is up to 30 calls or 20 milliseconds of one model, but at least 4 calls, so that its
    data are as near to the processor as when it runs alone, while all models see the same phases
    of the machine.

    Args:
        models: Fitted estimators.
        X: (rows, features) table of real rows.
        batch_size: Rows a call.
        percentile: The highest percentile that is wanted.
        max_seconds: When to stop, in seconds for each model.
        reference_ns: The reference's calibrated time, nanoseconds.

    Raises:
        ArgumentError: If an argument cannot be used.
        ResourceError: If a `predict` raises, or does not predict one value a row.
        sklearn.exceptions.NotFittedError: If a model is not fitted.
    """
    check_batch_size(batch_size)
    batches = _batches(X, batch_size)
    wanted = rounds_for(percentile)
    reference = reference_task()
    scale = reference_time() if reference_ns is None else reference_ns
    for model in models:
        if isinstance(model, BaseEstimator):
            check_is_fitted(model)
        if not hasattr(model, "predict"):
            raise ResourceError(f"{type(model).__name__} has no predict, so nothing can be timed")
    subjects = [_Subject(model, batches, batch_size) for model in models]
    with one_thread(*models), _without_collection():
        for subject in subjects:
            subject.warm_up(scale)
        running = subjects
        while running:
            for subject in running:
                subject.run_block(reference)
            running = [one for one in running if not one.is_done(wanted, max_seconds)]
    machine = describe_machine()
    return [subject.timing(scale, machine) for subject in subjects]


def rounds_for(percentile: float) -> int:
    """Tell how many rounds a percentile needs: 11 for 50, 64 for 90, 130 for 95, 662 for 99.

    The least number of which, with 99 % confidence, at least two lie above the percentile: the
    early-stopping bound of MLPerf Inference's loadgen.

    Raises:
        ArgumentError: If the percentile is below 50, or 100 or more.
    """
    is_number = isinstance(percentile, int | float) and not isinstance(percentile, bool)
    if not is_number or not 50 <= percentile < 100:
        raise ArgumentError(f"percentile must be from 50 to below 100, got {percentile!r}")
    return int(nbinom.ppf(0.99, 2, 1 - percentile / 100)) + 2


def check_batch_size(batch_size: Any) -> None:
    """See that a number of rows a call can be used.

    Raises:
        ArgumentError: If it is not a positive whole number.
    """
    is_whole = isinstance(batch_size, int) and not isinstance(batch_size, bool)
    if not is_whole or batch_size < 1:
        raise ArgumentError(f"batch_size must be 1 or more, got {batch_size!r}")


class _Subject:
    """One model under the clock: its calls, and their ratios to the reference."""

    def __init__(self, model: Any, batches: list[Any], batch_size: int) -> None:
        self.kind = type(model).__name__
        self.batch_size = batch_size
        is_converted = isinstance(model, OnnxModel)
        self.predict: Callable[[Any], Any] = (
            model.run if is_converted else one_thread_predict(model)
        )
        self.batches = [model.feed(batch) for batch in batches] if is_converted else batches
        self.ratios: list[float] = []
        self.blocks: list[float] = []
        self.spent_ns = 0
        self.cold_ns = 0
        self.references = 1
        self.next_check = _FEWEST_BLOCKS

    def warm_up(self, reference_ns: float) -> None:
        """Take the cold call's time, see what it returns, and call on until the model is warm."""
        clock = time.perf_counter_ns
        with self._explained():
            start = clock()
            predicted = self.predict(self.batches[0])
            self.cold_ns = clock() - start
            self._check(predicted)
            calls, begun = 0, clock()
            while calls == 0 or (calls < _WARM_UP_CALLS and clock() < begun + _WARM_UP_NS):
                self.predict(self.batches[calls % len(self.batches)])
                calls += 1
            a_call = (clock() - begun) / calls
        self.references = max(1, min(round(a_call / reference_ns / 2), _MOST_REFERENCES))

    def run_block(self, reference: Callable[[], object]) -> None:
        """Time calls of the model, each between two of the reference, as far as a block goes.

        A call of the reference goes untimed before those that are timed, so that what the model
        drove out of the processor's caches is there again.
        """
        clock, predict, ratios = time.perf_counter_ns, self.predict, self.ratios
        repeats = range(self.references)

        def time_reference() -> float:
            reference()
            start = clock()
            for _ in repeats:
                reference()
            return (clock() - start) / self.references

        begun = clock()
        with self._explained():
            predict(self.batches[len(ratios) % len(self.batches)])
            before = time_reference()
            rounds = 0
            while rounds < _FEWEST_IN_BLOCK or (
                rounds < _MOST_IN_BLOCK and clock() < begun + _BLOCK_NS
            ):
                batch = self.batches[len(ratios) % len(self.batches)]
                start = clock()
                predict(batch)
                taken = clock() - start
                after = time_reference()
                ratios.append(2 * taken / (before + after))
                before = after
                rounds += 1
        self.blocks.append(float(np.median(ratios[-rounds:])))
        self.spent_ns += clock() - begun

    def is_done(self, wanted: int, max_seconds: float) -> bool:
        """Tell whether the rounds suffice and the median is known narrowly, or time is up."""
        if len(self.ratios) < wanted:
            return False
        if self.spent_ns >= max_seconds * 1e9:
            return True
        if len(self.blocks) < self.next_check:
            return False
        self.next_check = int(len(self.blocks) * 1.3) + 1
        low, high = _interval(self.blocks)
        return high - low <= _NARROW * float(np.median(self.blocks))

    def timing(self, reference_ns: float, machine: Mapping[str, Any]) -> InferenceTiming:
        low, high = _interval(self.blocks)
        to_us = reference_ns / 1e3
        return InferenceTiming(
            ratios=np.array(self.ratios),
            reference_ns=reference_ns,
            batch_size=self.batch_size,
            interval=(low * to_us, high * to_us),
            cold=self.cold_ns / 1e3,
            machine=machine,
        )

    def _check(self, predicted: Any) -> None:
        shape = np.shape(predicted)
        if shape[:1] != (self.batch_size,):
            array = f"{type(predicted).__name__} of shape {shape}"
            raise ResourceError(
                f"a model's predict must return one value a row: {self.kind} returned "
                f"{'nothing' if predicted is None else array} for {self.batch_size} rows"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ResourceError:
            raise
        except Exception as error:
            raise ResourceError(
                f"the inference time of {self.kind} cannot be measured: its predict raised "
                f"{type(error).__name__}: {error}"
            ) from error


@contextmanager
def _without_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _batches(X: Any, batch_size: int) -> list[Any]:
    """Cut out the batches that rotate; where X has fewer rows than a batch, they repeat."""
    rows = X.shape[0]
    if rows == 0:
        raise ArgumentError("X must have one row or more, got none")
    return [
        _safe_indexing(X, np.arange(start, start + batch_size) % rows)
        for start in range(0, min(rows, _ROWS_IN_ROTATION) * batch_size, batch_size)
    ]


def _interval(blocks: Sequence[float]) -> tuple[float, float]:
    """Bootstrap the 95 % interval of the median from those of the blocks.

    Calls of one block share the machine's state, so they are not resampled one by one.
    """
    if len(blocks) < 2:
        return -math.inf, math.inf
    found = bootstrap(
        (blocks,), np.median, n_resamples=_RESAMPLES, method="percentile", rng=0, batch=_RESAMPLES
    ).confidence_interval
    return float(found.low), float(found.high)
