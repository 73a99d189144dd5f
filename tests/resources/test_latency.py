"""Tests of optistruct.resources.latency: the protocol, never the figures."""

import gc
import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from scipy import sparse
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from optistruct.exceptions import ArgumentError, ResourceError
from optistruct.resources import (
    InferenceTiming,
    blocks,
    latency,
    measure_inference_time,
    measure_side_by_side,
    reference_time,
    rounds_for,
)
from optistruct.resources.blocks import Block, Pace, is_quiet, quietest, time_block


class Spy:
    """A model that notes what it is handed, and how the process is set meanwhile."""

    def __init__(self) -> None:
        self.batches: list[Any] = []
        self.collects: set[bool] = set()
        self.threads: set[int] = set()

    def predict(self, X: Any) -> np.ndarray:
        self.batches.append(X)
        self.collects.add(gc.isenabled())
        if len(self.batches) < 3:
            self.threads |= {pool["num_threads"] for pool in threadpool_info()}
        return np.zeros(X.shape[0])


def _time(model: Any, X: Any, **kwargs: Any) -> InferenceTiming:
    """Time a model for a moment only."""
    return measure_inference_time(model, X, **{"max_seconds": 0.02, "percentile": 50} | kwargs)


@pytest.fixture
def two_threads() -> Iterator[None]:
    with threadpool_limits(2):
        yield


def test_the_figure_is_the_median_ratio_times_the_reference(binary: Any) -> None:
    X, y = binary
    timing = _time(LogisticRegression().fit(X, y), X, batch_size=4, reference_ns=2e5)
    assert timing.ratio == np.median(timing.ratios)
    assert timing.p50 == pytest.approx(timing.ratio * 200)
    assert timing.per_row == pytest.approx(timing.p50 / 4)
    assert timing.rounds == len(timing.ratios) >= 11
    assert timing.interval[0] <= timing.p50 <= timing.interval[1]
    assert timing.width == pytest.approx((timing.interval[1] - timing.interval[0]) / timing.p50)
    assert timing.cold > 0
    assert timing.machine["cores"] >= 1


def test_a_slower_model_has_a_larger_figure(table: np.ndarray) -> None:
    class Slow(Spy):
        def predict(self, X: Any) -> np.ndarray:
            sum(range(100_000))
            return super().predict(X)

    slow, fast = measure_side_by_side([Slow(), Spy()], table, percentile=50, max_seconds=0.05)
    assert slow.ratio > 3 * fast.ratio
    assert slow.per_row == slow.p50


def test_the_reference_is_calibrated_once_a_process(table: np.ndarray) -> None:
    assert reference_time() == reference_time()
    timing = _time(Spy(), table)
    assert timing.p50 == pytest.approx(timing.ratio * reference_time() / 1e3)


@pytest.mark.parametrize(
    ("percentile", "rounds"), [(50, 11), (90, 64), (95, 130), (99, 662), (99.9, 6636)]
)
def test_high_percentiles_need_many_rounds(percentile: float, rounds: int) -> None:
    assert rounds_for(percentile) == rounds
    above = 1 - percentile / 100
    assert binom.cdf(1, rounds, above) <= 0.01 < binom.cdf(1, rounds - 1, above)


def test_goes_on_until_the_percentile_is_known(table: np.ndarray) -> None:
    timing = _time(Spy(), table, percentile=95, max_seconds=0.1)
    assert timing.rounds >= 130
    assert timing.p95 >= timing.p50
    assert 0 <= timing.quiet <= 1


def test_the_calls_that_a_percentile_needs_are_made_however_slow_they_are(
    table: np.ndarray,
) -> None:
    timing = _time(Spy(), table, percentile=95, max_seconds=0.0)
    assert timing.rounds >= 130
    assert math.isfinite(timing.p95)


def test_a_percentile_from_too_few_rounds_is_not_told() -> None:
    few = InferenceTiming(np.ones(129), 1e5, 1, (100.0, 100.0), 100.0, {})
    assert few.p50 == 100
    assert math.isnan(few.p95)
    assert InferenceTiming(np.ones(130), 1e5, 1, (100.0, 100.0), 100.0, {}).p95 == 100


def test_the_cold_call_is_kept_apart(table: np.ndarray) -> None:
    class Lazy(Spy):
        def predict(self, X: Any) -> np.ndarray:
            if not self.batches:
                sum(range(3_000_000))
            return super().predict(X)

    timing = _time(Lazy(), table)
    assert timing.cold > 10 * timing.p50


def test_warms_up_for_twenty_calls(table: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    spy, before = Spy(), []

    def first_block(*_: Any) -> Block:
        before.append(len(spy.batches))
        return Block([1.0] * 99, 1e5)

    monkeypatch.setattr(latency, "time_block", first_block)
    monkeypatch.setattr(latency, "_WARM_UP_NS", 10**12)
    _time(spy, table, max_seconds=0.0)
    assert before == [1 + 20]


@pytest.mark.parametrize(
    ("ratios", "is_spread", "is_done"),
    [
        ([1.0, 1.01, 0.99, 1.0, 1.01, 0.99], True, True),
        ([1.0, 1.01, 0.99, 1.0, 1.01, 0.99], False, False),  # not a second yet
        ([1.0, 1.10, 0.90, 1.0, 1.10, 0.90], True, False),  # more than 3 % wide
        ([1.0] * 4, True, False),
    ],
)
def test_ends_when_the_median_is_known_narrowly_after_a_while(
    ratios: list[float], is_spread: bool, is_done: bool
) -> None:
    subject = latency._Subject(Spy(), [np.zeros((1, 2))], 1, 1e5)
    subject.blocks = [Block([ratio] * 12, 1e5) for ratio in ratios]
    assert subject.is_done(11, 10.0, is_spread) is is_done
    assert not subject.is_done(12 * len(ratios) + 1, 0.0, is_spread)  # too few calls
    assert subject.is_done(11, 0.0, is_spread)  # time is up


def test_disturbed_blocks_do_not_make_an_end() -> None:
    subject = latency._Subject(Spy(), [np.zeros((1, 2))], 1, 1e5)
    subject.blocks = [Block([1.0] * 12, 1e5, is_interrupted=i > 3) for i in range(12)]
    assert not subject.is_done(11, 10.0, True)


@pytest.mark.parametrize(
    ("call_ns", "pace"),
    [
        (1e4, Pace(untimed=24, calls=12, references=6, is_long=False)),
        (1e6, Pace(untimed=20, calls=12, references=15, is_long=False)),
        (6e6, Pace(untimed=0, calls=2, references=15, is_long=True)),
        (1e9, Pace(untimed=0, calls=1, references=20, is_long=True)),
    ],
)
def test_a_block_has_fewer_calls_the_longer_they_take(call_ns: float, pace: Pace) -> None:
    assert Pace.of(call_ns, 2e5) == pace


@pytest.mark.parametrize(("is_long", "ratio"), [(False, 10), (True, 5)])
def test_a_block_compares_calls_in_a_row_with_the_reference_around_them(
    is_long: bool, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, handed = 0, []

    def passes(batch: int) -> None:
        nonlocal now
        now += batch
        handed.append(batch)

    monkeypatch.setattr(blocks.time, "perf_counter_ns", lambda: now)
    reference = iter([99, 99, 10, 10, 50, 99, 99, 10, 30, 10])
    monkeypatch.setattr(blocks, "reference_task", lambda: (lambda _: passes(next(reference)), None))
    pace = Pace(untimed=1, calls=3, references=3, is_long=is_long)
    block = time_block(passes, iter([999, 100, 200, 100, 777]), pace)
    assert handed == [99, 99, 10, 10, 50, 999, 100, 200, 100, 99, 99, 10, 30, 10]
    assert block.ratios == [ratio, 2 * ratio, ratio]
    assert block.ratio == ratio
    assert block.reference_ns == 10


@pytest.mark.parametrize(
    ("interrupted", "counted", "is_broken"),
    [
        ([], [1, 2, 3, 4, 5, 6], False),
        ([0], [1, 2, 3, 4, 5, 6], False),  # in the first run of the reference
        ([9], [3, 4, 5, 6], False),  # in the untimed call before
        ([11], [1, 5, 6], False),
        ([10, 13], [1, 2, 3, 4, 5, 6], True),
    ],
)
def test_calls_soon_after_an_interruption_do_not_count(
    interrupted: list[int], counted: list[int], is_broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = calls = 0

    def passes(batch: int) -> None:
        nonlocal now, calls
        now += batch
        calls += 1

    monkeypatch.setattr(blocks.time, "perf_counter_ns", lambda: now)
    monkeypatch.setattr(blocks, "_interruptions", lambda: sum(calls > i for i in interrupted))
    monkeypatch.setattr(blocks, "reference_task", lambda: (passes, 1))
    pace = Pace(untimed=2, calls=6, references=6, is_long=False)
    block = time_block(passes, iter([9, 9, 1, 2, 3, 4, 5, 6]), pace)
    assert block.ratios == counted
    assert block.is_interrupted == bool(interrupted)
    assert block.is_broken == is_broken


def test_blocks_that_were_disturbed_do_not_count() -> None:
    fast, slow = Block([1.0] * 5, 2.3e5), Block([2.0] * 5, 2.5e5)
    cut = Block([3.0] * 5, 2.1e5, is_interrupted=True)
    broken = Block([4.0] * 5, 2.0e5, is_interrupted=True, is_broken=True)
    assert is_quiet([fast, slow, cut], 2e5) == [True, False, False]
    assert is_quiet([fast, slow], 4e5) == [True, True]  # the calibration met a slow phase
    assert is_quiet([slow, cut], 1e5) == [False, False]

    assert quietest([cut, slow, fast], 1, wanted=3) == [fast]
    assert quietest([cut, slow, fast], 1, wanted=5) == [fast]
    assert quietest([cut, slow, fast], 1, wanted=6) == [fast, slow]
    assert quietest([broken, cut, slow, fast], 1, wanted=99) == [fast, slow, cut, broken]
    assert quietest([cut] * 4 + [slow] * 4, 0, wanted=1) == [slow, slow]


def test_models_side_by_side_take_turns(table: np.ndarray) -> None:
    order: list[str] = []

    class Named(Spy):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def predict(self, X: Any) -> np.ndarray:
            order.append(self.name)
            return super().predict(X)

    timings = measure_side_by_side([Named("a"), Named("b")], table, max_seconds=0.1)
    turns = [name for name, before in zip(order, [None, *order], strict=False) if name != before]
    assert turns[:8] == ["a", "b"] * 4  # the warm-ups, then blocks
    assert min(timing.rounds for timing in timings) >= 130


@pytest.mark.parametrize("raises", [False, True])
def test_fitted_models_get_their_own_threads_back(raises: bool, binary: Any) -> None:
    X, y = binary
    forest = RandomForestClassifier(3, n_jobs=2).fit(X, y)
    boosting = LGBMClassifier(n_estimators=2, n_jobs=2, verbose=-1).fit(X, y)
    vote = VotingClassifier([("forest", forest), ("boosting", boosting)], n_jobs=2).fit(X, y)
    holders = [vote, *vote.estimators_]
    seen = set()

    class Watched:
        n_jobs = 1

        def predict(self, X: Any) -> Any:
            seen.add(tuple(holder.n_jobs for holder in holders))
            if raises:
                raise ValueError("no")
            return vote.predict(X)

    pipeline = Pipeline([("vote", vote)])
    with nullcontext() if not raises else pytest.raises(ResourceError, match="no"):
        measure_side_by_side([pipeline, Watched()], X, percentile=50, max_seconds=0.02)
    assert seen == {(1, 1, 1)}
    assert [holder.n_jobs for holder in holders] == [2, 2, 2]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "Odd returned nothing for 1 rows"),
        (np.zeros(0), "one value a row: Odd returned ndarray of shape \\(0,\\)"),
        (np.zeros((7, 2)), "Odd returned ndarray of shape \\(7, 2\\) for 1 rows"),
    ],
)
def test_refuses_a_model_that_predicts_nothing(
    returned: Any, message: str, table: np.ndarray
) -> None:
    class Odd:
        def predict(self, X: Any) -> Any:
            return returned

    with pytest.raises(ResourceError, match=message):
        _time(Odd(), table)


def test_refuses_a_model_that_cannot_predict(table: np.ndarray) -> None:
    with pytest.raises(ResourceError, match="StandardScaler has no predict"):
        _time(StandardScaler().fit(table), table)


def test_refuses_a_model_that_is_not_fitted(table: np.ndarray) -> None:
    with pytest.raises(NotFittedError, match="LogisticRegression instance is not fitted yet"):
        _time(LogisticRegression(), table)


@pytest.mark.parametrize("percentile", [49, 100, True, "95"])
def test_refuses_other_percentiles(percentile: Any, table: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="percentile must be from 50 to below 100, got"):
        _time(Spy(), table, percentile=percentile)


@pytest.mark.parametrize("batch_size", [0, -1, True, 2.0])
def test_refuses_other_batch_sizes(batch_size: Any, table: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="batch_size must be 1 or more, got"):
        _time(Spy(), table, batch_size=batch_size)


def test_refuses_a_table_without_rows(table: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="X must have one row or more, got none"):
        _time(Spy(), table[:0])


@pytest.mark.parametrize("X", [None, 3])
def test_refuses_what_is_no_table(X: Any) -> None:
    with pytest.raises(ArgumentError, match="X must be a table of rows: Expected sequence"):
        _time(Spy(), X)


def test_takes_a_list_of_rows(table: np.ndarray) -> None:
    model = LogisticRegression().fit(table, table[:, 0] > 0)
    assert _time(model, table.tolist()).p50 > 0


@pytest.mark.usefixtures("two_threads")
def test_predicts_on_one_thread_and_gives_the_others_back(table: np.ndarray) -> None:
    before = [pool["num_threads"] for pool in threadpool_info()]
    assert 2 in before
    spy = Spy()
    _time(spy, table)
    assert spy.threads == {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before


@pytest.mark.parametrize("was_enabled", [True, False])
def test_collects_no_garbage_meanwhile_and_leaves_it_as_it_was(
    was_enabled: bool, table: np.ndarray
) -> None:
    spy = Spy()
    if not was_enabled:
        gc.disable()
    try:
        _time(spy, table)
        assert spy.collects == {False}
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()


def test_leaves_garbage_collection_on_after_an_error(table: np.ndarray) -> None:
    class Broken:
        def predict(self, X: Any) -> None:
            raise RuntimeError("no prediction")

    with pytest.raises(
        ResourceError, match=r"time of Broken cannot be measured.*RuntimeError: no prediction"
    ):
        _time(Broken(), table)
    assert gc.isenabled()


def test_makes_at_least_eleven_rounds_however_slow_the_model(table: np.ndarray) -> None:
    class Slow(Spy):
        def predict(self, X: Any) -> np.ndarray:
            sum(range(1_000_000))
            return super().predict(X)

    spy = Slow()
    _time(spy, table)
    assert len(spy.batches) >= 1 + 11


def test_rotates_over_the_rows(table: np.ndarray) -> None:
    spy = Spy()
    _time(spy, table)
    assert all(batch.shape == (1, 4) for batch in spy.batches)
    rows = [table.tolist().index(batch[0].tolist()) for batch in spy.batches]
    assert rows[:4] == [0, 0, 1, 2]  # the cold call, then the others
    assert len(set(rows)) >= 11
    assert set(rows) <= set(range(32))


def test_cuts_batches_of_that_many_rows(table: np.ndarray) -> None:
    spy = Spy()
    _time(spy, table, batch_size=8)
    np.testing.assert_array_equal(spy.batches[0], table[:8])
    np.testing.assert_array_equal(spy.batches[2], table[8:16])
    assert {batch.shape for batch in spy.batches} == {(8, 4)}


def test_repeats_the_rows_where_a_batch_holds_more(table: np.ndarray) -> None:
    spy = Spy()
    _time(spy, table[:5], batch_size=12)
    assert {batch.shape for batch in spy.batches} == {(12, 4)}
    np.testing.assert_array_equal(spy.batches[0], np.vstack([table[:5], table[:5], table[:2]]))


def test_hands_over_a_table_of_the_type_it_got(
    mixed: tuple[pd.DataFrame, np.ndarray], table: np.ndarray
) -> None:
    X, _ = mixed
    spy = Spy()
    _time(spy, X, batch_size=2)
    assert all(isinstance(batch, pd.DataFrame) for batch in spy.batches)
    assert (spy.batches[0].dtypes == X.dtypes).all()
    pd.testing.assert_frame_equal(spy.batches[0], X.iloc[:2])

    spy = Spy()
    _time(spy, sparse.csr_array(table), batch_size=2)
    assert all(sparse.issparse(batch) for batch in spy.batches)
