"""What an evaluation warns of, apart from what others in the same process warn of meanwhile."""

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

__all__ = ["collected_warnings", "tell"]


class _Collector:
    """Hands each thread its own warnings.

    `warnings.catch_warnings` changes the whole process, so of two evaluations in threads of one the
    last to end would restore what the other had set. Here the first in sets it, and the last out
    restores what was there before both, in whatever order they end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[int, list[str]] = {}
        self._outside = ExitStack()
        self._show: Any = None

    @contextmanager
    def collecting(self) -> Iterator[list[str]]:
        """Collect what this thread warns of, every time, as `category: message`; show nothing."""
        told: list[str] = []
        here = threading.get_ident()
        outer = self._told.get(here)
        with self._lock:
            if not self._told:
                self._outside.enter_context(warnings.catch_warnings())
                warnings.simplefilter("always")
                self._show, warnings.showwarning = warnings.showwarning, self._take
            self._told[here] = told
        try:
            yield told
        finally:
            with self._lock:
                if outer is None:
                    del self._told[here]
                else:
                    self._told[here] = outer
                if not self._told:
                    self._outside.close()

    def tell(self, texts: Iterable[str]) -> None:
        """Put what was collected earlier with what this thread collects now, if it does."""
        self._told.get(threading.get_ident(), []).extend(texts)

    def _take(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        told = self._told.get(threading.get_ident())
        if told is None:
            self._show(message, category, filename, lineno, file, line)
        else:
            told.append(f"{category.__name__}: {message}")


_collector = _Collector()
collected_warnings, tell = _collector.collecting, _collector.tell
