"""Where evaluations run: in this process, or in worker processes."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor

from optistruct.exceptions import ArgumentError

__all__ = [
    "InProcess",
    "OutOfTime",
    "close_executor",
    "count_workers",
    "open_executor",
    "quiet_process",
]

T = TypeVar("T")

_AGAIN_SECONDS, _SOON_SECONDS = 1.0, 0.01  # after which an alarm rings again
_IDLE_SECONDS = 300  # a worker whose parent was killed ends by itself after this


class OutOfTime(BaseException):
    """The time is over, in the middle of an evaluation."""


class InProcess(Executor):
    """Runs each call at once, in the caller's own thread.

    Args:
        deadline: Moment of `time.monotonic()` at which a call that is running is given up.
    """

    def __init__(self, deadline: float = float("inf")) -> None:
        self._deadline = deadline

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run the call and hand back its finished future; only an interrupt comes through.

        Raises:
            OutOfTime: If the deadline comes first, on the main thread of a system with alarms.
        """
        future: Future[T] = Future()
        alarm = _Alarm(self._deadline)
        try:
            try:
                alarm.set()
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)
            finally:
                alarm.silence()
        finally:  # once more, for it may have rung in the midst of that
            alarm.silence()
        if alarm.has_rung:  # and was not heeded: what came out is not what would have
            raise OutOfTime
        return future


class _Alarm:
    """Raises `OutOfTime` at a moment, where that can be done and nobody else uses the alarm.

    Python swallows what is raised in a `__del__`, or in a callback of C code; so it rings again,
    but not while what is under way is cleaned up.

    Args:
        deadline: The moment, of `time.monotonic()`.

    Attributes:
        has_rung: Whether the moment has come.
    """

    def __init__(self, deadline: float) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        self._can_ring = deadline < float("inf") and is_main and hasattr(signal, "setitimer")
        self._can_ring = self._can_ring and signal.getitimer(signal.ITIMER_REAL)[0] == 0
        self._deadline = deadline
        self._before = signal.getsignal(signal.SIGALRM) if self._can_ring else None
        self.has_rung = False

    def set(self) -> None:
        """Let it ring at the moment."""
        if self._can_ring:
            signal.signal(signal.SIGALRM, self._ring)
            first = max(self._deadline - monotonic(), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, first, _AGAIN_SECONDS)

    def silence(self) -> None:
        """Let it ring no more, and put back what was there before."""
        if self._can_ring:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before or signal.SIG_DFL)

    def _ring(self, _: int, frame: FrameType | None) -> None:
        self.has_rung = True
        error = sys.exception()
        while error is not None:
            if isinstance(error, OutOfTime):
                return
            error = error.__context__
        while frame is not None:
            if frame.f_code.co_name == "__del__":  # Python would print the exception and go on
                signal.setitimer(signal.ITIMER_REAL, _SOON_SECONDS, _AGAIN_SECONDS)
                return
            frame = frame.f_back
        raise OutOfTime


def count_workers(n_jobs: int) -> int:
    """Turn scikit-learn's `n_jobs` into a number of workers: -1 is every core.

    Raises:
        ArgumentError: If `n_jobs` is neither positive nor -1.
    """
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or (n_jobs < 1 and n_jobs != -1):
        raise ArgumentError(f"n_jobs must be 1 or more, or -1 for every core, got {n_jobs!r}")
    if n_jobs == -1:
        return int(joblib.cpu_count())  # those that this process may use
    return n_jobs


def open_executor(workers: int, *, apart: bool = False, deadline: float = float("inf")) -> Executor:
    """Open an executor of this many workers; one is this process itself, unless `apart`.

    Only a call in this process itself ends at the deadline; workers must be waited for.

    Worker processes are joblib's (loky): they need no main guard in the caller's script, take
    classes that the script defines, and a new pool replaces one whose worker died.
    """
    if workers == 1 and not apart:
        return InProcess(deadline)
    executor: Executor = get_reusable_executor(max_workers=workers, timeout=_IDLE_SECONDS)
    return executor


@contextmanager
def quiet_process() -> Iterator[Executor]:
    """Open one process that has nothing else to do, and end it."""
    executor = open_executor(1, apart=True)
    try:
        yield executor
    finally:
        close_executor(executor, kill=True)


def close_executor(executor: Executor, *, kill: bool = False) -> None:
    """Close what `open_executor` opened; `kill` ends evaluations that are still running."""
    if isinstance(executor, InProcess):
        executor.shutdown()
    else:
        executor.shutdown(wait=True, kill_workers=kill)  # type: ignore[call-arg]
