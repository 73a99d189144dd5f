"""Commands that read a database: list, show, report."""

from pathlib import Path
from typing import Annotated

import typer

from optistruct.cli.options import Storage, Study
from optistruct.launch import DEFAULT_STORAGE

__all__ = ["list_studies", "report", "show"]


def list_studies(storage: Storage = DEFAULT_STORAGE) -> None:
    """List the studies of a database.

    Example: optistruct list --storage sqlite:///studies.db
    """
    import rich
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from optistruct.exceptions import StudyMismatchError
    from optistruct.loading import load_study
    from optistruct.reporting import summarize
    from optistruct.storage import open_storage, study_names

    opened = open_storage(storage)
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for column in ("study", "trials"):
        table.add_column(column, overflow="fold")
    for column in ("front", "objectives", "last trial"):
        table.add_column(column, no_wrap=True)
    for name in study_names(opened):
        try:
            summary = summarize(load_study(name, opened))
        except StudyMismatchError:
            table.add_row(Text(name), "", "", "[dim]not made by this optistruct[/dim]", "")
            continue
        objectives = ",\n".join(objective.name for objective in summary.spec.objectives)
        ended = f"{summary.ended:%Y-%m-%d %H:%M}" if summary.ended else ""
        table.add_row(Text(name), summary.trials, str(len(summary.front)), Text(objectives), ended)
    rich.print(table)


def show(study: Study, storage: Storage = DEFAULT_STORAGE) -> None:
    """Show a study's front as a table.

    Example: optistruct show data-price
    """
    import rich

    from optistruct.loading import load_study
    from optistruct.reporting import front_table

    rich.print(front_table(load_study(study, storage)))


def report(
    study: Study,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The page to write.")
    ],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write a page with a study's front, which opens without a network.

    Example: optistruct report data-price -o front.html
    """
    from optistruct.loading import load_study
    from optistruct.reporting import to_html

    typer.echo(f"wrote {to_html(load_study(study, storage), output)}")
