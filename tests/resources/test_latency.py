"""Tests of optistruct.resources.latency: the protocol, never the figures."""

import gc
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from optistruct.resources import inference_time


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


@pytest.fixture
def two_threads() -> Iterator[None]:
    with threadpool_limits(2):
        yield


def test_is_a_finite_positive_number(binary: Any) -> None:
    X, y = binary
    taken = inference_time(LogisticRegression().fit(X, y), X)
    assert isinstance(taken, float)
    assert math.isfinite(taken)
    assert taken > 0


@pytest.mark.usefixtures("two_threads")
def test_predicts_on_one_thread_and_gives_the_others_back(table: np.ndarray) -> None:
    before = [pool["num_threads"] for pool in threadpool_info()]
    assert 2 in before
    spy = Spy()
    inference_time(spy, table)
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
        inference_time(spy, table)
        assert spy.collects == {False}
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()


def test_leaves_garbage_collection_on_after_an_error(table: np.ndarray) -> None:
    class Broken:
        def predict(self, X: Any) -> None:
            raise RuntimeError("no prediction")

    with pytest.raises(RuntimeError, match="no prediction"):
        inference_time(Broken(), table)
    assert gc.isenabled()


def test_makes_at_least_eleven_rounds_however_slow_the_model(table: np.ndarray) -> None:
    class Slow(Spy):
        def predict(self, X: Any) -> np.ndarray:
            sum(range(1_000_000))
            return super().predict(X)

    spy = Slow()
    inference_time(spy, table)
    assert len(spy.batches) >= 3 + 11


def test_rotates_over_the_rows(table: np.ndarray) -> None:
    spy = Spy()
    inference_time(spy, table)
    assert all(batch.shape == (1, 4) for batch in spy.batches)
    rows = [table.tolist().index(batch[0].tolist()) for batch in spy.batches]
    assert rows[:3] == [0, 1, 2]
    assert len(set(rows)) >= 11
    assert set(rows) <= set(range(32))


def test_cuts_batches_of_that_many_rows(table: np.ndarray) -> None:
    spy = Spy()
    inference_time(spy, table, batch_size=8)
    np.testing.assert_array_equal(spy.batches[0], table[:8])
    np.testing.assert_array_equal(spy.batches[1], table[8:16])
    assert {batch.shape for batch in spy.batches} == {(8, 4)}


def test_repeats_the_rows_where_a_batch_holds_more(table: np.ndarray) -> None:
    spy = Spy()
    inference_time(spy, table[:5], batch_size=12)
    assert {batch.shape for batch in spy.batches} == {(12, 4)}
    np.testing.assert_array_equal(spy.batches[0], np.vstack([table[:5], table[:5], table[:2]]))


def test_hands_over_a_table_of_the_type_it_got(
    mixed: tuple[pd.DataFrame, np.ndarray], table: np.ndarray
) -> None:
    X, _ = mixed
    spy = Spy()
    inference_time(spy, X, batch_size=2)
    assert all(isinstance(batch, pd.DataFrame) for batch in spy.batches)
    assert (spy.batches[0].dtypes == X.dtypes).all()
    pd.testing.assert_frame_equal(spy.batches[0], X.iloc[:2])

    spy = Spy()
    inference_time(spy, sparse.csr_array(table), batch_size=2)
    assert all(sparse.issparse(batch) for batch in spy.batches)
