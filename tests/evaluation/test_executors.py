"""Tests of optistruct.evaluation.executors."""

import math
import os
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from optistruct.evaluation import (
    InProcess,
    close_executor,
    count_workers,
    evaluate,
    make_plan,
    open_executor,
)
from optistruct.exceptions import ArgumentError
from optistruct.objectives import ParameterCount, Score
from optistruct.spaces import Problem


class TestInProcess:
    def test_runs_each_call_at_once_in_this_process(self) -> None:
        future = InProcess().submit(os.getpid)
        assert future.done()
        assert future.result() == os.getpid()

    def test_hands_arguments_on(self) -> None:
        assert InProcess().submit(int, "11", base=2).result() == 3

    def test_keeps_an_error_in_the_future(self) -> None:
        future = InProcess().submit(math.sqrt, -1)
        assert isinstance(future.exception(), ValueError)
        with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
            future.result()

    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
    def test_lets_an_interrupt_through(self, interrupt: type[BaseException]) -> None:
        def stop() -> None:
            raise interrupt("enough")

        with pytest.raises(interrupt, match="enough"):
            InProcess().submit(stop)

    def test_maps_and_closes_as_every_executor_does(self) -> None:
        with InProcess() as executor:
            assert list(executor.map(abs, [-1, 2])) == [1, 2]


class TestCountWorkers:
    @pytest.mark.parametrize("n_jobs", [1, 2, 17])
    def test_is_the_number_itself(self, n_jobs: int) -> None:
        assert count_workers(n_jobs) == n_jobs

    @pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
    def test_is_every_core_that_the_process_may_use(self) -> None:
        assert 1 <= count_workers(-1) <= len(os.sched_getaffinity(0))

    @pytest.mark.parametrize("n_jobs", [0, -2, 1.0, "2", None, True])
    def test_refuses_anything_else(self, n_jobs: Any) -> None:
        with pytest.raises(ArgumentError, match="n_jobs must be 1 or more, or -1 for every core"):
            count_workers(n_jobs)


class TestOpenExecutor:
    def test_of_one_worker_is_this_process(self) -> None:
        assert isinstance(open_executor(1), InProcess)

    @pytest.mark.slow
    def test_of_two_workers_evaluates_in_other_processes_alike(self, binary: Any) -> None:
        X, y = binary
        objectives = [Score("accuracy"), ParameterCount()]
        plan = make_plan(X, y, objectives, Problem.from_data(X, y), cv=3)
        executor = open_executor(2)
        try:
            assert executor.submit(os.getpid).result() != os.getpid()
            futures = [executor.submit(evaluate, LogisticRegression(), plan) for _ in range(3)]
            here = evaluate(LogisticRegression(), plan)
            assert [future.result().folds for future in futures] == [here.folds] * 3
        finally:
            close_executor(executor)
        with pytest.raises(RuntimeError, match=r"cannot schedule new futures|shutdown"):
            executor.submit(os.getpid)

    @pytest.mark.slow
    def test_opens_workers_anew_after_they_were_killed(self) -> None:
        first = open_executor(2)
        worker = first.submit(os.getpid).result()
        close_executor(first, kill=True)
        second = open_executor(2)
        try:
            assert second.submit(os.getpid).result() != worker
        finally:
            close_executor(second)

    def test_in_process_closes_too(self) -> None:
        close_executor(open_executor(1), kill=True)
