"""How long a fitted model takes to predict, against a fixed reference in the same moments.

Single timings on a shared machine vary by tens of per cent, and whole phases of a tenth of a
second or more can be slower by two thirds. The ratio to a reference that runs just before and after
varies far less, because what slows one slows the other. The figure is the median of those ratios
times one calibrated time of the reference, which a study stores and uses for all figures. What
slows only the model, or slows it by another part, is kept out as `blocks` describes.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress, cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_is_fitted

from optistruct.exceptions import ArgumentError, ResourceError
from optistruct.resources.blocks import (
    Block,
    Pace,
    interval_of,
    is_quiet,
    quietest,
    time_block,
)
from optistruct.resources.machine import describe_machine
from optistruct.resources.onnx_runtime import OnnxModel
from optistruct.resources.reference import reference_time
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
_LEAST_NS = 1_000_000_000
_FEWEST_BLOCKS = 5
_NARROW = 0.03
_ROWS_IN_ROTATION = 32


@dataclass(frozen=True)
class InferenceTiming:
    """How long one call of a model's `predict` takes, on one thread.

    Attributes:
        ratios: (rounds,) paired ratios to the reference, in the blocks that count.
        reference_ns: The reference's calibrated time, nanoseconds.
        batch_size: Rows a call.
        interval: 95 % bootstrap interval of the median, microseconds a call.
        cold: The very first call, microseconds, as the clock told it.
        machine: The machine, with its load; see `describe_machine`.
        quiet: Part of the blocks that nothing disturbed. Only they count; where they are less than
            a quarter or hold too few calls, the least disturbed count too, and the figure is not
            to be trusted to a few per cent.
    """

    ratios: NDArray[np.float64] = field(repr=False)
    reference_ns: float = field(repr=False)
    batch_size: int
    interval: tuple[float, float]
    cold: float
    machine: Mapping[str, Any]
    quiet: float = 1.0

    @property
    def rounds(self) -> int:
        """How many calls count, each timed between two runs of the reference."""
        return len(self.ratios)

    @property
    def ratio(self) -> float:
        """Median of the paired ratios to the reference: what compares between machines."""
        return float(np.median(self.ratios))

    @property
    def p50(self) -> float:
        """Median, microseconds a call of those in a row: the model's data are in the caches."""
        return self.percentile(50)

    @property
    def p95(self) -> float:
        """95th percentile of the same calls, microseconds a call; NaN from too few rounds.

        What disturbs the whole machine is not in it, where there was quiet enough.
        """
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
    max_seconds: float = 10.0,
    reference_ns: float | None = None,
) -> InferenceTiming:
    """Time one call of `model.predict` on a batch of rows, on one thread.

    What is measured is a call among others in a row, with the core to itself. A block of up to 12
    calls, or 12 milliseconds, is timed between two runs of a fixed reference; up to 24 calls, or 20
    milliseconds, go untimed before them, since the reference drove the model's data out of the
    core's caches. A block counts if the system did not interrupt it and the reference took at most
    1.2 times as long as it can. It goes on, for a second at least, until those that count hold
    calls enough for the percentile and the bootstrap interval of the median is at most 3 % wide, or
    the time is up. Then the least disturbed of the others count too, if need be: of interrupted
    blocks, as far as there are such, the calls that came a while after the interruption.
    Real rows rotate, cut out beforehand; garbage collection is off; 20 calls or 50 milliseconds go
    before as a warm-up. The model's own thread settings are 1 meanwhile.

    Don't trust a figure to a few per cent where `quiet` is near 0, as beside processes that keep
    all cores busy, or where `width` is above 0.03.

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
    max_seconds: float = 10.0,
    reference_ns: float | None = None,
) -> list[InferenceTiming]:
    """Time several models as `measure_inference_time` does one, block by block in turn.

    A block belongs to one model, whose data are then as near to the processor as when it runs
    alone, while all models see the same phases of the machine.

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
    scale = reference_time() if reference_ns is None else reference_ns
    for model in models:
        if isinstance(model, BaseEstimator):
            check_is_fitted(model)
        if not hasattr(model, "predict"):
            raise ResourceError(f"{type(model).__name__} has no predict, so nothing can be timed")
    subjects = [_Subject(model, batches, batch_size, scale) for model in models]
    with one_thread(*models), _without_collection():
        _run_in_turn(subjects, wanted, max_seconds)
    machine = describe_machine()
    return [subject.timing(wanted, machine) for subject in subjects]


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
    """One model under the clock, and the blocks of calls that were timed."""

    def __init__(
        self, model: Any, batches: list[Any], batch_size: int, reference_ns: float
    ) -> None:
        self.kind = type(model).__name__
        self.batch_size = batch_size
        self.reference_ns = reference_ns
        is_converted = isinstance(model, OnnxModel)
        self.predict: Callable[[Any], Any] = (
            model.run if is_converted else one_thread_predict(model)
        )
        self.batches = [model.feed(batch) for batch in batches] if is_converted else batches
        self.rotation = cycle(self.batches)
        self.blocks: list[Block] = []
        self.spent_ns = 0
        self.cold_ns = 0
        self.next_check = _FEWEST_BLOCKS

    def warm_up(self) -> None:
        """Take the cold call's time, see what it returns, and call on until the model is warm."""
        clock = time.perf_counter_ns
        with self._explained():
            start = clock()
            predicted = self.predict(self.batches[0])
            self.cold_ns = clock() - start
            self._check(predicted)
            taken: list[int] = []
            end = clock() + _WARM_UP_NS
            while not taken or (len(taken) < _WARM_UP_CALLS and clock() < end):
                start = clock()
                self.predict(next(self.rotation))
                taken.append(clock() - start)
        self.pace = Pace.of(float(np.median(taken)), self.reference_ns)

    def run_block(self) -> None:
        """Time one block of calls."""
        begun = time.perf_counter_ns()
        with self._explained():
            self.blocks.append(time_block(self.predict, self.rotation, self.pace))
        self.spent_ns += time.perf_counter_ns() - begun

    def is_done(self, wanted: int, max_seconds: float, is_spread: bool) -> bool:
        """Tell whether quiet rounds suffice and their median is known narrowly, or time is up.

        Args:
            wanted: How many rounds there must be.
            max_seconds: When time is up, in seconds of this model.
            is_spread: Whether the blocks are spread over time enough to have met other phases.
        """
        if _rounds(self.blocks) < wanted:
            return False
        if self.spent_ns >= max_seconds * 1e9:
            return True
        if not is_spread or len(self.blocks) < self.next_check:
            return False
        self.next_check = int(len(self.blocks) * 1.3) + 1
        quiet = list(compress(self.blocks, is_quiet(self.blocks, self.reference_ns)))
        if len(quiet) < _FEWEST_BLOCKS or _rounds(quiet) < wanted:
            return False
        low, high = interval_of(quiet)
        return high - low <= _NARROW * float(np.median([block.ratio for block in quiet]))

    def timing(self, wanted: int, machine: Mapping[str, Any]) -> InferenceTiming:
        """Hand out what the quietest blocks tell."""
        quiet = sum(is_quiet(self.blocks, self.reference_ns))
        kept = quietest(self.blocks, quiet, wanted)
        low, high = interval_of(kept)
        to_us = self.reference_ns / 1e3
        return InferenceTiming(
            ratios=np.concatenate([block.ratios for block in kept]),
            reference_ns=self.reference_ns,
            batch_size=self.batch_size,
            interval=(low * to_us, high * to_us),
            cold=self.cold_ns / 1e3,
            machine=machine,
            quiet=quiet / len(self.blocks),
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


def _run_in_turn(subjects: list[_Subject], wanted: int, max_seconds: float) -> None:
    """Warm all models up, then time a block of each in turn until each is done."""
    for subject in subjects:
        subject.warm_up()
    running = subjects
    spread_ns = time.perf_counter_ns() + _LEAST_NS
    while running:
        for subject in running:
            subject.run_block()
        is_spread = time.perf_counter_ns() >= spread_ns
        running = [one for one in running if not one.is_done(wanted, max_seconds, is_spread)]


@contextmanager
def _without_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _rounds(blocks: Sequence[Block]) -> int:
    return sum(len(block.ratios) for block in blocks)


def _batches(X: Any, batch_size: int) -> list[Any]:
    """Cut out the batches that rotate; where X has fewer rows than a batch, they repeat."""
    try:
        rows = _num_samples(X)
    except TypeError as error:
        raise ArgumentError(f"X must be a table of rows: {error}") from None
    if rows == 0:
        raise ArgumentError("X must have one row or more, got none")
    return [
        _safe_indexing(X, np.arange(start, start + batch_size) % rows)
        for start in range(0, min(rows, _ROWS_IN_ROTATION) * batch_size, batch_size)
    ]
