"""The command line as a person meets it: real processes in a folder of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

COMMAND = (sys.executable, "-m", "optistruct")
SECONDS = 120


def environment() -> dict[str, str]:
    """Name no colours and no width, so that the output is what a pipe gets."""
    dropped = {"COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    return {key: value for key, value in os.environ.items() if key not in dropped} | {
        "NO_COLOR": "1",
        "COLUMNS": "160",
    }


def optistruct(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder, with its output piped."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


def wait_until(is_true: Callable[[], Any], what: str) -> None:
    """Poll until something is so; the deadline only ends a test that would never end."""
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)


def homes(rows: int = 60) -> pd.DataFrame:
    """Categories and missing cells, a class (`sold`) and a number (`price`) to predict."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, rows).round(1),
            "city": rng.choice(["Bonn", "Graz", "Lyon"], rows),
            "has_garden": rng.random(rows) < 0.5,
            "rooms": rng.integers(1, 6, rows),
        }
    )
    frame["price"] = 50 * frame["rooms"] + frame["age"] + rng.normal(size=rows)
    frame["sold"] = np.where((frame["age"] > 40) ^ frame["has_garden"], "yes", "no")
    frame.loc[::7, "age"] = np.nan
    frame.loc[::9, "city"] = None
    return frame


@pytest.fixture(scope="session")
def homes_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "homes.csv"
    homes().to_csv(path, index=False)
    return path
