"""Options that several commands share."""

from typing import Annotated

import typer

__all__ = ["Storage", "Study", "Timeout"]

Storage = Annotated[
    str, typer.Option("--storage", metavar="URL", help="Database that holds the studies.")
]
Study = Annotated[str, typer.Argument(metavar="STUDY", help="Name of the study.")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", help="Stop after this many seconds."),
]
