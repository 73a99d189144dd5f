"""One HTML page of a study, whole in itself: it opens without a network."""

import html
import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from optistruct.exceptions import ArgumentError
from optistruct.objectives import Objective
from optistruct.reporting.figures import pareto_front
from optistruct.reporting.summary import Summary, limits, structure_text, summarize, value_text
from optistruct.reporting.tables import heading
from optistruct.resources import machine_text
from optistruct.study import StructureStudy

__all__ = ["to_html"]

_MOST_REASONS = 5

_BEGINNING = 100  # bytes of a file, among which a page tells that it is one
_DOCTYPE = b"<!doctype html>"
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; color: #1d2433; max-width: 1200px;
         margin: 2rem auto; padding: 0 1rem; }
  h1 { margin-bottom: 0; } .lead { color: #5b6475; margin-top: .25rem; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { padding: .35rem .7rem; border-bottom: 1px solid #e4e7ec; text-align: right;
           vertical-align: top; white-space: nowrap; }
  th { border-bottom: 2px solid #c3c9d4; }
  td.text, th.text { text-align: left; white-space: normal; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; }
  dt { color: #5b6475; } dd { margin: 0; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>$title</h1>
<p class="lead">$lead</p>
$figure
<h2>The front</h2>
<div class="wide">$table</div>
<p class="lead">A value is the mean over the folds ± its standard error. A front is chosen from
noisy figures, so it looks a little better than it is: check a choice on data never seen.</p>
<h2>The study</h2>
$facts
</body>
</html>
""")


def to_html(study: StructureStudy, path: str | os.PathLike[str]) -> Path:
    """Write a page with a study's front as a figure and a table, and what the study is of.

    Args:
        study: A study that has been run.
        path: The file to write; a page that is there is replaced.

    Returns:
        The file.

    Raises:
        ArgumentError: If the file cannot be written, or holds something else than a page.
        StudyNotFoundError, StorageError, StudyMismatchError: As `StructureStudy.spec` does.
    """
    target = Path(path)
    _check_replaceable(target)
    summary = summarize(study)
    page = _PAGE.substitute(
        title=html.escape(summary.name),
        lead=html.escape(
            f"{len(summary.front)} structures on the front of {summary.trials}, "
            f"by {', '.join(heading(o) for o in summary.front.objectives)}"
        ),
        figure=_figure(study, summary),
        table=_table(summary),
        facts=_facts(summary),
    )
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"the page {target} cannot be written: {error.strerror}") from None
    return target


def _check_replaceable(target: Path) -> None:
    """See that a file that is there is a page: a slip of the hand may name a database."""
    if not os.path.isfile(target):  # nothing, a pipe, or what cannot be written
        return
    try:
        with target.open("rb") as file:
            begin = file.read(_BEGINNING)
    except OSError:  # as writing it will say
        return
    if begin and not begin.removeprefix(BOM_UTF8).lstrip().lower().startswith(_DOCTYPE):
        raise ArgumentError(f"{target} is there and is no HTML page: name another file")


def _figure(study: StructureStudy, summary: Summary) -> str:
    if len(summary.front.objectives) < 2:
        return ""
    figure = pareto_front(study)
    figure.update_layout(title=None, margin={"t": 40})
    shown = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        config={"responsive": True},
        div_id="front",  # or it would be another one in each page
    )
    return str(shown)


def _table(summary: Summary) -> str:
    objectives = summary.front.objectives
    head = ["trial", *(heading(objective) for objective in objectives)]
    rows = [
        _row(
            "td",
            [c.key, *(value_text(o, c) for o in objectives)],
            structure_text(c),
        )
        for c in summary.front
    ]
    head_row = _row("th", head, "structure")
    return f"<table><thead>{head_row}</thead><tbody>{''.join(rows)}</tbody></table>"


def _row(tag: str, cells: Iterable[str], last: str) -> str:
    made = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f'<tr>{made}<{tag} class="text">{html.escape(last)}</{tag}></tr>'


def _facts(summary: Summary) -> str:
    spec, problem = summary.spec, summary.spec.problem
    packages = spec.machine["packages"]
    classes = f", {problem.classes} classes" if problem.is_classification else ""
    times = ", ".join(
        f"{word} {moment:%Y-%m-%d %H:%M}"
        for word, moment in (("begun", summary.begun), ("last trial ended", summary.ended))
        if moment
    )
    facts = {
        "Space": summary.space,
        "Objectives": "; ".join(_objective_text(o) for o in spec.objectives),
        "Data": f"{problem.task}: {problem.rows:,} rows, {problem.features} columns{classes}",
        "Folds": summary.cv,
        "Sampler": f"{spec.sampler}, seed {spec.seed}",
        "Trials": f"{summary.trials}; {times}",
        "Failures": _counted(summary.failures),
        "Warnings": _counted(summary.warnings),
        "Refused": _counted(summary.refusals),
        "Submodels": " ".join(summary.submodels),
        "Times": " ".join(summary.times),
        "Machine": _machine_text(spec.machine),
        "Packages": ", ".join(f"{name} {number}" for name, number in packages.items()),
    }
    pairs = (
        f"<dt>{name}</dt><dd>{html.escape(str(fact))}</dd>" for name, fact in facts.items() if fact
    )
    return f"<dl>{''.join(pairs)}</dl>"


def _machine_text(machine: Mapping[str, Any]) -> str:
    told = [f"{machine_text(machine)}, Python {machine['python']}", f"load {machine['load']}"]
    if "reference_ns" in machine:
        told.insert(1, f"reference {machine['reference_ns'] / 1e3:.1f} us")
    return "; ".join(told)


def _counted(reasons: Mapping[str, int]) -> str:
    told = [f"{count} x {reason}" for reason, count in reasons.items()]
    if len(told) > _MOST_REASONS:
        told[_MOST_REASONS:] = [f"{len(told) - _MOST_REASONS} more"]
    return "; ".join(told)


def _objective_text(objective: Objective) -> str:
    told = [text for text, _ in limits(objective)]
    return ", ".join([f"{objective.direction} {heading(objective)}", *told])
