"""The front as a table for a terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from optistruct.objectives import Objective
from optistruct.reporting.summary import structure_text, summarize, value_text
from optistruct.study import StructureStudy

__all__ = ["front_table"]

_WIDE = 14  # a value with its error takes about as much
_FEW = 3  # objectives whose values have room on a line
_NARROW = 20  # a structure takes at least as much


def front_table(study: StructureStudy) -> Table:
    """Make a table of a study's front: every objective with its standard error, the structure.

    Args:
        study: A study that has been run.

    Returns:
        A rich table; `rich.print` shows it.

    Raises:
        StudyNotFoundError, StorageError, StudyMismatchError: As `StructureStudy.spec` does.
    """
    summary = summarize(study)
    front, notes = summary.front, [*summary.submodels, *summary.times]
    table = Table(
        title=Text(f"{summary.name}: {len(front)} on the front of {summary.trials}"),
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        min_width=60,
        caption=Text("\n".join(notes)) if notes else None,
        caption_justify="left",
    )
    table.add_column("trial", justify="right", no_wrap=True)
    for objective in front.objectives:
        title = heading(objective).replace(" (", "\n(")
        if len(objective.name) > _WIDE:
            title = title.replace("_", "_\n")
        table.add_column(Text(title), justify="right", no_wrap=len(front.objectives) <= _FEW)
    table.add_column("structure", overflow="fold", min_width=_NARROW)
    for candidate in front:
        values = [value_text(o, candidate) for o in front.objectives]
        table.add_row(candidate.key, *values, Text(structure_text(candidate)))
    return table


def heading(objective: Objective) -> str:
    """Write an objective's name with its unit."""
    return f"{objective.name} ({objective.unit})" if objective.unit else objective.name
