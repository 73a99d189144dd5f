"""Small data that every test may use, made once and not to be changed; and a database."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

ROWS = 90

settings.register_profile("tests", deadline=None)  # a busy machine is no broken law
settings.load_profile("tests")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background jobs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Fit as evaluations do: OpenMP's waiting threads make small fits on busy cores crawl."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def table() -> np.ndarray:
    """(90, 4) numbers on one scale."""
    return np.random.default_rng(0).normal(size=(ROWS, 4))


@pytest.fixture(scope="session")
def signal(table: np.ndarray) -> np.ndarray:
    return table[:, 0] + table[:, 1] * table[:, 2]


@pytest.fixture(scope="session")
def binary(table: np.ndarray, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return table, (signal > 0).astype(int)


@pytest.fixture(scope="session")
def multiclass(table: np.ndarray, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, named by text."""
    return table, np.array(["high", "low", "mid"])[np.digitize(signal, [-0.6, 0.6])]


@pytest.fixture(scope="session")
def regression(table: np.ndarray, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return table, signal


@pytest.fixture(params=["binary", "multiclass", "regression"])
def data(request: pytest.FixtureRequest) -> Any:
    """X and y of each task in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def mixed() -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers and text with missing cells, a bool column, a category column; y is yes or no."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, ROWS),
            "city": rng.choice(["Bonn", "Graz", "Lyon"], ROWS),
            "member": rng.random(ROWS) < 0.5,
            "plan": pd.Categorical(rng.choice(["free", "paid"], ROWS)),
            "visits": rng.integers(0, 9, ROWS),
        }
    )
    target = np.where((frame["age"] > 40) ^ frame["member"], "yes", "no")
    frame.loc[rng.random(ROWS) < 0.2, "age"] = np.nan
    frame.loc[rng.random(ROWS) < 0.2, "city"] = None
    return frame, target


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where a test's studies live: a SQLite file of its own."""
    return f"sqlite:///{tmp_path}/studies.db"
