"""A live bar of a running search; nothing where the output is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from optistruct.search import SearchProgress
    from optistruct.study import StructureStudy

__all__ = ["live_progress", "polite_interrupt"]


@contextmanager
def live_progress() -> Iterator[tuple[Callable[..., Any], ...]]:
    """Show a bar for each study that runs inside the block, and say where one ends by itself.

    It ends politely on Ctrl-C.

    Yields:
        The callbacks for `StructureStudy.optimize`.

    Raises:
        typer.Exit: With status 130 on Ctrl-C.
    """
    with polite_interrupt(), _bar() as callbacks:
        yield (*callbacks, _say_ending)


def _say_ending(study: "StructureStudy", progress: "SearchProgress") -> None:
    why = {
        "exhausted": "every structure of the space has been tried",
        "patience": "the hypervolume has hardly grown any more",
    }.get(progress.ending or "")
    if why:
        typer.echo(f"{study.name} ended after {progress.done} trials: {why}", err=True)


@contextmanager
def polite_interrupt() -> Iterator[None]:
    """End on Ctrl-C with one line.

    Raises:
        typer.Exit: With status 130.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("\nstopped; run the same command again to go on", err=True)
        raise typer.Exit(130) from None


def _left(seconds: float | None) -> str:
    """Write how long it takes yet; nothing where that is unknown, or beyond all bounds."""
    if seconds is None or seconds >= timedelta.max.total_seconds():
        return ""
    return f"{timedelta(seconds=round(seconds))} left"


@contextmanager
def _bar() -> Iterator[tuple[Callable[..., Any], ...]]:
    """Show a bar for each study that runs inside the block, without Optuna's own messages.

    Yields:
        The callbacks for `StructureStudy.optimize`: one, or none where nobody would see it.
    """
    import optuna
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("front {task.fields[front]}"),
        TextColumn("hypervolume {task.fields[hypervolume]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(study: "StructureStudy", progress: "SearchProgress") -> None:
            front = study.front()
            fields: dict[str, Any] = {
                "completed": progress.done,
                "total": progress.n_trials,
                "front": len(front),
                "hypervolume": f"{front.hypervolume():.3f}",
                "left": _left(progress.seconds_left),
            }
            if study.name in tasks:
                bar.update(tasks[study.name], **fields)
            else:
                tasks[study.name] = bar.add_task(study.name, **fields)

        yield (advance,)
