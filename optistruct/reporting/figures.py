"""The Pareto front as a figure: a plane, a plane with colour, or a space."""

import html
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from optistruct.exceptions import ArgumentError
from optistruct.front import Candidate, ParetoFront
from optistruct.objectives import Objective
from optistruct.reporting.summary import limits, number_text, structure_text, summarize, value_text
from optistruct.reporting.tables import heading
from optistruct.study import StructureStudy

__all__ = ["pareto_front"]

_GREY, _PALE, _BLUE, _RED = "#9aa0ab", "#c3c8d1", "#2f6fde", "#c0392b"
_COLOURS = "Viridis"


def pareto_front(study: StructureStudy, *, view: Literal["plane", "space"] = "plane") -> go.Figure:
    """Draw the Pareto front of a study.

    In the plane the first objective stands upright, the second lies across, a third is the
    colour; further ones are told on hovering. Structures that others dominate are grey, those
    that break a limit are open, limits are dashed, bars are standard errors, and axes are
    logarithmic where the objective is.

    Args:
        study: A study of at least two objectives.
        view: "plane", or "space" for three objectives as three axes.

    Raises:
        ArgumentError: If the study has one objective, `view` is unknown, or a space is asked for
            with fewer than three objectives.
        StudyNotFoundError, StorageError, StudyMismatchError: As `StructureStudy.spec` does.
    """
    summary = summarize(study)
    front = summary.front
    count = len(front.objectives)
    if count < 2:
        raise ArgumentError("a front needs two objectives or more, this study has one")
    if view not in ("plane", "space"):
        raise ArgumentError(f"view must be 'plane' or 'space', got {view!r}")
    if view == "space" and count < 3:
        raise ArgumentError(f"view='space' needs three objectives, this study has {count}")
    figure = _space(front) if view == "space" else _plane(front)
    figure.update_layout(
        title=f"{_text(summary.name)}: {len(front)} on the front of {summary.trials}",
        template="plotly_white",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        margin={"t": 90} if view == "plane" else {"t": 60, "l": 0, "r": 0, "b": 0},
        height=520 if view == "plane" else 640,
    )
    return figure


def _plane(front: ParetoFront) -> go.Figure:
    upright, across, *others = front.objectives
    figure = go.Figure()

    def add(candidates: Sequence[Candidate], name: str, **style: Any) -> None:
        if candidates:
            figure.add_scatter(
                x=_values(candidates, across),
                y=_values(candidates, upright),
                name=name,
                mode=style.pop("mode", "markers"),
                hovertext=_hover(candidates, front.objectives),
                hoverinfo="text",
                **style,
            )

    add(
        front.infeasible,
        "beyond a limit",
        marker={"color": _GREY, "size": 7, "symbol": "circle-open"},
    )
    add(front.dominated, "dominated", marker={"color": _PALE, "size": 7})
    members = sorted(front, key=lambda c: c.values[across.name])
    colour = others[0] if others else None
    add(
        members,
        "front",
        mode="markers" if colour else "lines+markers",
        line={"color": _BLUE, "width": 1, "dash": "dot"},
        marker=_coloured(members, colour),
        error_y=_errors(members, upright),
        error_x=_errors(members, across),
    )
    figure.update_xaxes(title=_heading(across), type=across.scale)
    figure.update_yaxes(title=_heading(upright), type=upright.scale)
    for objective, draw in ((across, figure.add_vline), (upright, figure.add_hline)):
        for side, limit in limits(objective):
            draw(limit, line={"color": _RED, "dash": "dash", "width": 1})
            place = np.log10(limit) if objective.scale == "log" else limit
            spot = {"x": place, "xanchor": "right", "yref": "y domain", "y": 1.0}
            if objective is upright:
                spot = {"y": place, "xref": "x domain", "x": 1.0, "yanchor": "bottom"}
            figure.add_annotation(text=side, showarrow=False, font={"color": _RED}, **spot)
    return figure


def _space(front: ParetoFront) -> go.Figure:
    upright, across, along = front.objectives[:3]
    figure = go.Figure()
    for candidates, name, colour, size in (
        (front.infeasible, "beyond a limit", _GREY, 2),
        (front.dominated, "dominated", _PALE, 3),
        (tuple(front), "front", _BLUE, 5),
    ):
        if candidates:
            figure.add_scatter3d(
                x=_values(candidates, across),
                y=_values(candidates, along),
                z=_values(candidates, upright),
                name=name,
                mode="markers",
                marker={"color": colour, "size": size},
                hovertext=_hover(candidates, front.objectives),
                hoverinfo="text",
            )
    axes = {"x": across, "y": along, "z": upright}
    everyone = [*front, *front.dominated, *front.infeasible]
    for axis, objective in axes.items() if everyone else ():
        for side, limit in limits(objective):
            figure.add_mesh3d(
                **_wall(axis, limit, axes, everyone),
                name=f"{_text(objective.name)} {side}",
                color=_RED,
                opacity=0.12,
                hoverinfo="name",
            )
    figure.update_scenes(camera_eye={"x": 1.7, "y": 1.7, "z": 0.9})
    figure.update_scenes(
        {
            f"{axis}axis": {"title": {"text": _heading(objective)}, "type": objective.scale}
            for axis, objective in axes.items()
        }
    )
    return figure


def _text(text: str) -> str:
    """Write a text for Plotly, which reads HTML, but no quotation marks in it."""
    return html.escape(text, quote=False)


def _heading(objective: Objective) -> str:
    """Write an objective's name and unit."""
    return _text(heading(objective))


def _values(candidates: Sequence[Candidate], objective: Objective) -> list[float]:
    return [candidate.values[objective.name] for candidate in candidates]


def _errors(candidates: Sequence[Candidate], objective: Objective) -> dict[str, Any]:
    errors = [candidate.standard_errors[objective.name] for candidate in candidates]
    return {"array": errors, "color": _GREY, "thickness": 1, "width": 2}


def _hover(candidates: Sequence[Candidate], objectives: Sequence[Objective]) -> list[str]:
    texts = []
    for candidate in candidates:
        values = [f"{_heading(o)}: {value_text(o, candidate)}" for o in objectives]
        structure = _text(structure_text(candidate)).replace(", ", "<br>")
        texts.append(f"<b>{_title(candidate)}</b><br>{'<br>'.join(values)}<br><i>{structure}</i>")
    return texts


def _title(candidate: Candidate) -> str:
    nested = f", submodel {candidate.key}" if candidate.is_submodel else ""
    return f"trial {candidate.trial}{nested}"


def _coloured(members: Sequence[Candidate], objective: Objective | None) -> dict[str, Any]:
    """Colour the members by an objective, on its own scale but labelled in its unit."""
    style: dict[str, Any] = {"size": 10, "line": {"color": "white", "width": 1}}
    if objective is None or not members:
        return style | {"color": _BLUE}
    values = np.array(_values(members, objective))
    bar: dict[str, Any] = {"title": {"text": _heading(objective), "side": "right"}}
    if objective.scale == "log":
        values = np.log10(values)
        ticks = np.linspace(values.min(), values.max(), 5)
        bar |= {"tickvals": ticks.tolist(), "ticktext": [number_text(10**tick) for tick in ticks]}
    is_reversed = objective.direction == "minimize"
    return style | {
        "color": values.tolist(),
        "colorscale": _COLOURS,
        "reversescale": is_reversed,
        "colorbar": bar,
    }


def _wall(
    axis: str, limit: float, axes: dict[str, Objective], candidates: Sequence[Candidate]
) -> dict[str, Any]:
    """Span a rectangle across the other two axes at a limit."""
    corners = {}
    low_high = {
        name: (min(_values(candidates, o)), max(_values(candidates, o)))
        for name, o in axes.items()
        if name != axis
    }
    first, second = low_high
    corners[axis] = [limit] * 4
    corners[first] = [low_high[first][i] for i in (0, 1, 1, 0)]
    corners[second] = [low_high[second][i] for i in (0, 0, 1, 1)]
    return corners | {"i": [0, 0], "j": [1, 2], "k": [2, 3]}
