"""The command `optistruct`: its commands, and how a user's mistake is told."""

import sys

import typer

from optistruct.cli import inspect, remeasure, run, search
from optistruct.exceptions import OptistructError

__all__ = ["app", "main"]

app = typer.Typer(
    name="optistruct",
    help="Find the smallest and fastest models that are still as accurate as you need.",
    epilog=(
        "Example: optistruct search data.csv --target price --trials 60, "
        "then: optistruct report data-price -o front.html"
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(run.run)
app.command()(search.search)
app.command("list")(inspect.list_studies)
app.command()(inspect.show)
app.command()(inspect.report)
app.command()(remeasure.remeasure)


def main() -> None:
    """Run the command line; a user's mistake is one message and exit status 2."""
    try:
        app()
    except OptistructError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        from optuna.exceptions import StorageInternalError

        if not isinstance(error, StorageInternalError):
            raise
        print(f"Error: the database failed: {error.__cause__ or error}", file=sys.stderr)
        sys.exit(2)
