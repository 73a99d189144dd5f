"""Blocks of timed calls, and which of them were timed while nothing else disturbed the core.

Two things slow a model by another part than the reference, so that their ratio is no help. Others
empty the cache that cores share, from which a model fetches its data and code after the reference
drove them out: LightGBM's ratio, in 29 slices of five seconds, spread by 11.8 % in the first call
after a run of the reference, by 4.3 % in the fifth to eighth, 2.4 % in the ninth to sixteenth and
1.8 % in those after it. So calls go in a row, and the first of them untimed. And in slow phases,
where a call of the reference took 1.6 times as long, one of LightGBM took 1.45 times. So blocks in
such phases are left out.

Processes that take the core in turn do both. Where that never ends, only the third call and later
ones after an interruption are taken: 18 measurements of LightGBM, which shared one core all the
time, spread by 4.9 % in all calls and by 1.0 % in those.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from optistruct.resources.reference import reference_task

__all__ = ["Block", "Pace", "interval_of", "is_quiet", "quietest", "time_block"]

if sys.platform == "linux":
    import resource

    def _interruptions() -> int:
        """Count how often the system took the processor away from this thread."""
        return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
else:

    def _interruptions() -> int:
        """Tell 0: this system does not count interruptions of a thread."""
        return 0


_UNTIMED_REFERENCES = 2
_FEWEST_REFERENCES, _MOST_REFERENCES = 6, 20
_MOST_UNTIMED_CALLS, _UNTIMED_NS = 24, 20_000_000
_MOST_CALLS, _CALLS_NS = 12, 12_000_000
_LONG_NS = 4_000_000
_CALLS_TO_RECOVER = 2
_QUIET = 1.2
_LEAST_PART = 0.25
_RESAMPLES = 199


@dataclass(frozen=True)
class Block:
    """Calls of a model in a row, between two runs of the reference.

    Attributes:
        ratios: A call's time by the reference's, in both runs together: of the calls that came a
            while after any interruption, or of all where there is none such.
        reference_ns: A call of the reference in the slower of the two runs, nanoseconds.
        is_interrupted: Whether the system gave the processor to something else meanwhile.
        is_broken: Whether no call came a while after any interruption.
    """

    ratios: Sequence[float]
    reference_ns: float
    is_interrupted: bool = False
    is_broken: bool = False

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return float(np.median(self.ratios))


@dataclass(frozen=True)
class Pace:
    """How many calls a block has: the fewer, the longer a call takes.

    Attributes:
        untimed: Calls of the model that come before the timed ones.
        calls: Calls of the model that are timed.
        references: Calls of the reference that are timed in each of its two runs.
        is_long: Whether a call outlasts the slice of time that the system gives a process.
    """

    untimed: int
    calls: int
    references: int
    is_long: bool

    @classmethod
    def of(cls, call_ns: float, reference_ns: float) -> "Pace":
        """Choose it for the time that a call of the model, and of the reference, takes."""
        call_ns = max(call_ns, 1.0)  # a coarse clock tells 0 of a short call
        is_long = call_ns > _LONG_NS
        calls = max(1, min(_MOST_CALLS, int(_CALLS_NS / call_ns)))
        references = round(calls * call_ns / reference_ns / 4)
        return cls(
            untimed=0 if is_long else min(_MOST_UNTIMED_CALLS, int(_UNTIMED_NS / call_ns)),
            calls=calls,
            references=max(_FEWEST_REFERENCES, min(_MOST_REFERENCES, references)),
            is_long=is_long,
        )


def time_block(predict: Callable[[Any], Any], batches: Iterator[Any], pace: Pace) -> Block:
    """Time calls of a model in a row, between two runs of the reference.

    The model and the reference drive each other out of the core's caches. What it costs to fetch
    the data again depends on what others do to the cache that cores share, and only the model
    with much data feels it; so the first calls of either go untimed.
    """
    reference, row = reference_task()
    rows = repeat(row)
    first = _run(reference, rows, _UNTIMED_REFERENCES, pace.references)
    calls = _run(predict, batches, pace.untimed, pace.calls)
    last = _run(reference, rows, _UNTIMED_REFERENCES, pace.references)
    # What interrupts a long call interrupts as many of the references that take as long together,
    # so their mean compares; among short ones it is a rare outlier, which the median leaves out.
    middle = np.mean if pace.is_long else np.median
    one = float(middle(first.taken + last.taken))
    steady = [] if pace.is_long else calls.steady
    is_interrupted = last.interruptions[-1] > first.interruptions[0]
    return Block(
        ratios=[call / one for call in steady or calls.taken],
        reference_ns=float(max(np.median(first.taken), np.median(last.taken))),
        is_interrupted=is_interrupted,
        is_broken=is_interrupted and not steady,
    )


def is_quiet(blocks: Sequence[Block], reference_ns: float) -> list[bool]:
    """Tell which blocks nothing disturbed: no interruption, and a reference as fast as it can be.

    The reference is slow in phases, as when another machine's thread shares the core. Models then
    don't all slow down by the same part.

    Args:
        blocks: Blocks of one model.
        reference_ns: The reference's calibrated time, nanoseconds.
    """
    fastest = min([reference_ns, *(block.reference_ns for block in blocks)])
    return [not block.is_interrupted and block.reference_ns <= _QUIET * fastest for block in blocks]


def quietest(blocks: Sequence[Block], quiet: int, wanted: int) -> list[Block]:
    """Pick the least disturbed blocks: the quiet, at least a quarter, and the rounds wanted.

    Args:
        blocks: Blocks of one model.
        quiet: How many of them nothing disturbed.
        wanted: Rounds that must be among them, as far as there are.
    """
    ranked = sorted(blocks, key=_disturbance)
    rounds = np.cumsum([len(block.ratios) for block in ranked])
    enough = int(np.searchsorted(rounds, wanted)) + 1
    return ranked[: max(quiet, math.ceil(_LEAST_PART * len(blocks)), enough)]


def interval_of(blocks: Sequence[Block]) -> tuple[float, float]:
    """Bootstrap the 95 % interval of the median ratio from those of the blocks.

    Calls of one block share the machine's state, so they are not resampled one by one.
    """
    if len(blocks) < 2:
        return -math.inf, math.inf
    ratios = [block.ratio for block in blocks]
    found = bootstrap(
        (ratios,), np.median, n_resamples=_RESAMPLES, method="percentile", rng=0, batch=_RESAMPLES
    ).confidence_interval
    return float(found.low), float(found.high)


def _disturbance(block: Block) -> tuple[bool, bool, float]:
    return block.is_interrupted, block.is_broken, block.reference_ns


@dataclass(frozen=True)
class _Run:
    """Calls in a row: nanoseconds of those timed, interruptions before all and after each."""

    taken: list[int]
    interruptions: list[int]

    @property
    def steady(self) -> list[int]:
        """Times of the calls that nothing interrupted, nor the two before them."""
        end = len(self.interruptions) - 1
        return [
            taken
            for taken, i in zip(self.taken, range(end - len(self.taken), end), strict=True)
            if self.interruptions[i + 1] == self.interruptions[max(0, i - _CALLS_TO_RECOVER)]
        ]


def _run(predict: Callable[[Any], Any], batches: Iterator[Any], untimed: int, timed: int) -> _Run:
    """Predict some batches untimed, then time each of the others."""
    clock = time.perf_counter_ns
    taken, interruptions = [], [_interruptions()]
    for batch in islice(batches, untimed + timed):
        start = clock()
        predict(batch)
        taken.append(clock() - start)
        interruptions.append(_interruptions())
    return _Run(taken[untimed:], interruptions)
