"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Storage", "Study", "absolute"]

Storage = Annotated[
    str, typer.Option("--storage", metavar="URL", help="Database that holds the studies.")
]
Study = Annotated[str, typer.Argument(metavar="STUDY", help="Name of the study.")]


def absolute(storage: str) -> str:
    """Name a database by its absolute path, since a script may change the folder."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(storage)
    except (ArgumentError, TypeError, ValueError):  # of which opening it tells
        return storage
    path = str(url.database or ":memory:")
    if url.get_backend_name() != "sqlite" or path.startswith((":memory:", "file:")):
        return storage
    return url.set(database=str(Path(path).absolute())).render_as_string(hide_password=False)
