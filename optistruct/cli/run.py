"""The command that runs a study script."""

import os
import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from optistruct.cli.options import absolute
from optistruct.cli.progress import live_progress
from optistruct.cli.tables import is_table
from optistruct.exceptions import ArgumentError
from optistruct.launch import Launch, launching

__all__ = ["run", "run_script"]


def run(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A Python script of studies.")],
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials", metavar="N", min=1, help="Total trials of each study, not the script's."
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="SECONDS", help="Seconds of each study, not the script's."
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="Database to use, not the script's."),
    ] = None,
) -> None:
    """Run a study script; run it again to go on where it stopped.

    Example: optistruct run studies/breast_cancer_lightgbm.py --trials 100
    """
    source = {"script": str(script.resolve())}
    url = None if storage is None else absolute(storage)
    with (
        live_progress() as callbacks,
        launching(Launch(trials, timeout, url, callbacks, source)),
    ):
        run_script(script)


def run_script(script: Path) -> None:
    """Run a script as Python would.

    Raises:
        ArgumentError: If there is none, it cannot be read, or it is a table.
    """
    if not os.path.isfile(script):  # Path.is_file raises where a folder may not be read
        raise ArgumentError(f"there is no script {script}")
    if not os.access(script, os.R_OK):
        raise ArgumentError(f"the script {script} may not be read")
    if is_table(script):
        raise ArgumentError(f"{script} is no script but a table: use optistruct search")
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
