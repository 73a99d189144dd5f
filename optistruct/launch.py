"""What the command line lays down for the studies of a script, without the script knowing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["DEFAULT_STORAGE", "Launch", "Remeasured", "current_launch", "launching"]

DEFAULT_STORAGE = "sqlite:///optistruct.db"
"""Where studies live unless a script or an option says otherwise."""


@dataclass(frozen=True)
class Launch:
    """Settings that go before those of a script.

    Attributes:
        n_trials: Total trials of each study; None leaves the script's.
        timeout: Seconds of each `optimize`; None leaves the script's.
        storage: Where the studies live; None leaves the script's.
        callbacks: Called at the start, after every trial and at the end, beside the script's own.
        source: Where the data come from, which a study keeps: `{"script": path}`, or `{"table":
            path, "target": column}`; None where nobody says.
        remeasure: Name of the one study that is to be measured again, in the place of any search,
            after which the script is left; None to search.
    """

    n_trials: int | None = None
    timeout: float | None = None
    storage: str | None = None
    callbacks: tuple[Callable[..., Any], ...] = ()
    source: Mapping[str, str] | None = None
    remeasure: str | None = None

    def instead_of(self, n_trials: int, timeout: float | None) -> tuple[int, float | None]:
        """Tell the total trials and the seconds that hold where a script says these."""
        return (
            n_trials if self.n_trials is None else self.n_trials,
            timeout if self.timeout is None else self.timeout,
        )


class Remeasured(BaseException):
    """Leaves a script whose study has been measured again; no `except Exception` stops it."""


_current: ContextVar[Launch | None] = ContextVar("optistruct_launch", default=None)


def current_launch() -> Launch:
    """Tell what is laid down here; nothing, unless a `launching` block is open."""
    return _current.get() or Launch()


@contextmanager
def launching(launch: Launch) -> Iterator[None]:
    """Lay settings down for every study inside the block."""
    token = _current.set(launch)
    try:
        yield
    finally:
        _current.reset(token)
