"""The front as a figure: what is drawn where, and how."""

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from optistruct import StructureStudy
from optistruct.exceptions import ArgumentError
from optistruct.objectives import InferenceTime, ModelSize, Objective, ParameterCount, Score
from optistruct.reporting import pareto_front

TWO: tuple[Objective, ...] = (Score("accuracy"), ParameterCount())
THREE = (*TWO, InferenceTime())
# On the front by two objectives: 0, 1, 3; trial 2 is dominated, also by three.
TWO_POINTS = [(0.80, 10.0), (0.95, 1000.0), (0.79, 100.0), (0.94, 100.0)]
THREE_POINTS = [(*point, time) for point, time in zip(TWO_POINTS, (9, 4, 40, 20), strict=True)]


def traces(figure: go.Figure) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


class TestPlane:
    def test_front_and_dominated(self, study_of: Callable[..., StructureStudy]) -> None:
        drawn = traces(pareto_front(study_of(TWO, TWO_POINTS)))
        assert set(drawn) == {"dominated", "front"}
        assert list(drawn["front"].x) == [10, 100, 1000]  # in order along the axis
        assert list(drawn["front"].y) == [0.80, 0.94, 0.95]
        assert drawn["front"].mode == "lines+markers"
        assert list(drawn["dominated"].x) == [100]
        assert list(drawn["dominated"].y) == [0.79]

    def test_dominated_are_grey_and_the_front_is_not(
        self, study_of: Callable[..., StructureStudy]
    ) -> None:
        drawn = traces(pareto_front(study_of(TWO, TWO_POINTS)))
        assert is_grey(drawn["dominated"].marker.color)
        assert not is_grey(drawn["front"].marker.color)
        assert drawn["dominated"].marker.size < drawn["front"].marker.size

    def test_those_beyond_a_limit_are_open(self, study_of: Callable[..., StructureStudy]) -> None:
        by = (Score("accuracy"), ParameterCount(at_most=500))
        drawn = traces(pareto_front(study_of(by, TWO_POINTS)))
        assert list(drawn["beyond a limit"].x) == [1000]
        assert drawn["beyond a limit"].marker.symbol == "circle-open"
        assert 1000 not in drawn["front"].x

    def test_axes(self, study_of: Callable[..., StructureStudy]) -> None:
        layout = pareto_front(study_of(TWO, TWO_POINTS)).layout
        assert (layout.xaxis.title.text, layout.xaxis.type) == ("parameters", "log")
        assert (layout.yaxis.title.text, layout.yaxis.type) == ("accuracy", "linear")

    def test_axes_follow_the_objectives(self, study_of: Callable[..., StructureStudy]) -> None:
        by = (InferenceTime(), Score("accuracy"))
        layout = pareto_front(study_of(by, [(10.0, 0.8)])).layout
        assert (layout.xaxis.title.text, layout.xaxis.type) == ("accuracy", "linear")
        assert (layout.yaxis.title.text, layout.yaxis.type) == ("inference_time (us)", "log")

    def test_title(self, study_of: Callable[..., StructureStudy]) -> None:
        figure = pareto_front(study_of(TWO, [*TWO_POINTS, "broken"]))
        assert figure.layout.title.text == "points: 3 on the front of 5 trials (1 failed)"

    def test_limits(self, study_of: Callable[..., StructureStudy]) -> None:
        by = (Score("accuracy", at_least=0.75), ParameterCount(at_most=500, at_least=2))
        figure = pareto_front(study_of(by, TWO_POINTS))
        upright = {s.x0 for s in figure.layout.shapes if s.x0 == s.x1}
        level = {s.y0 for s in figure.layout.shapes if s.y0 == s.y1}
        assert upright == {500, 2}
        assert level == {0.75}
        assert {shape.line.dash for shape in figure.layout.shapes} == {"dash"}
        notes = {note.text: note for note in figure.layout.annotations}
        assert set(notes) == {"at most 500", "at least 2", "at least 0.75"}
        assert notes["at most 500"].x == pytest.approx(np.log10(500))  # as plotly's log axes want
        assert notes["at least 0.75"].y == 0.75

    def test_no_limits_no_lines(self, study_of: Callable[..., StructureStudy]) -> None:
        figure = pareto_front(study_of(TWO, TWO_POINTS))
        assert figure.layout.shapes == ()
        assert figure.layout.annotations == ()

    def test_error_bars(self, study_of: Callable[..., StructureStudy]) -> None:
        front = traces(pareto_front(study_of(TWO, TWO_POINTS)))["front"]
        errors = np.array([0.80, 0.94, 0.95]) * 0.1 / np.sqrt(3)  # folds at 0.9, 1 and 1.1 times
        assert front.error_y.array == pytest.approx(errors)
        assert front.error_x.array == pytest.approx(np.array([10, 100, 1000]) * 0.1 / np.sqrt(3))

    def test_hover_holds_the_structure(self, study_of: Callable[..., StructureStudy]) -> None:
        drawn = traces(pareto_front(study_of(TWO, TWO_POINTS)))
        [dominated] = drawn["dominated"].hovertext
        for part in ("trial 2", "accuracy: 0.790", "parameters: 100", "max_depth=3"):
            assert part in dominated
        assert "max_depth=1" in drawn["front"].hovertext[0]
        assert drawn["front"].hoverinfo == "text"

    def test_names_that_look_like_html(self, study_of: Callable[..., StructureStudy]) -> None:
        by = (Score("accuracy", label="<i>acc</i>"), ParameterCount())
        figure = pareto_front(study_of(by, [(0.9, 5.0)], name="<b>bold</b>"))
        assert "&lt;b&gt;bold&lt;/b&gt;" in figure.layout.title.text
        [hover] = traces(figure)["front"].hovertext
        assert "&lt;i&gt;acc&lt;/i&gt;" in hover
        assert "<i>acc" not in hover
        assert "<i>acc" not in figure.layout.yaxis.title.text

    def test_quotation_marks_stay(self, study_of: Callable[..., StructureStudy]) -> None:
        """Plotly shows `&quot;` as it stands."""
        by = (Score("accuracy", label='"acc"'), ParameterCount(), InferenceTime(at_most=9))
        study = study_of(by, [(0.9, 5.0, 8.0)], name='a "b"')
        for figure in (pareto_front(study), pareto_front(study, view="space")):
            assert 'a "b"' in figure.layout.title.text
            assert "&quot;" not in figure.to_json()
            assert '"acc"' in traces(figure)["front"].hovertext[0]

    def test_a_third_objective_is_the_colour(self, study_of: Callable[..., StructureStudy]) -> None:
        front = traces(pareto_front(study_of(THREE, THREE_POINTS)))["front"]
        assert front.mode == "markers"
        assert list(front.x) == [10, 100, 1000]
        assert list(front.marker.color) == pytest.approx(np.log10([9, 20, 4]))
        assert front.marker.colorbar.title.text == "inference_time (us)"
        ticks = [float(text) for text in front.marker.colorbar.ticktext]
        assert (ticks[0], ticks[-1]) == (4, 20)  # in the objective's unit
        assert front.marker.colorbar.tickvals[-1] == pytest.approx(np.log10(20))
        assert front.marker.reversescale  # less is better

    def test_a_linear_third_objective(self, study_of: Callable[..., StructureStudy]) -> None:
        by = (ParameterCount(), ModelSize(), Score("accuracy"))
        points = [(10.0, 500.0, 0.8), (20.0, 400.0, 0.9)]
        marker = traces(pareto_front(study_of(by, points)))["front"].marker
        assert list(marker.color) == [0.9, 0.8]
        assert marker.colorbar.ticktext is None
        assert not marker.reversescale

    def test_more_objectives_are_told_on_hovering(
        self, study_of: Callable[..., StructureStudy]
    ) -> None:
        figure = pareto_front(study_of((*THREE, ModelSize()), [(0.9, 5.0, 7.0, 654.0)]))
        assert "size (bytes): 654" in traces(figure)["front"].hovertext[0]

    def test_of_a_study_without_a_front(self, study_of: Callable[..., StructureStudy]) -> None:
        assert pareto_front(study_of(TWO, [])).data == ()
        by = (Score("accuracy"), ParameterCount(at_most=2), InferenceTime())
        assert set(traces(pareto_front(study_of(by, THREE_POINTS)))) == {"beyond a limit"}


class TestSpace:
    def test_three_axes(self, study_of: Callable[..., StructureStudy]) -> None:
        figure = pareto_front(study_of(THREE, THREE_POINTS), view="space")
        drawn = traces(figure)
        assert {trace.type for trace in figure.data} == {"scatter3d"}
        assert list(drawn["front"].z) == [0.95, 0.94, 0.80]
        assert list(drawn["front"].x) == [1000, 100, 10]
        assert list(drawn["front"].y) == [4, 20, 9]
        assert list(drawn["dominated"].z) == [0.79]
        assert is_grey(drawn["dominated"].marker.color)
        scene = figure.layout.scene
        assert [a.type for a in (scene.xaxis, scene.yaxis, scene.zaxis)] == ["log", "log", "linear"]
        assert scene.xaxis.title.text == "parameters"
        assert scene.yaxis.title.text == "inference_time (us)"
        assert scene.zaxis.title.text == "accuracy"
        assert "max_depth=2" in drawn["front"].hovertext[0]

    def test_limits_are_walls(self, study_of: Callable[..., StructureStudy]) -> None:
        by = (Score("accuracy"), ParameterCount(at_most=500), InferenceTime())
        figure = pareto_front(study_of(by, THREE_POINTS), view="space")
        [wall] = [trace for trace in figure.data if trace.type == "mesh3d"]
        assert wall.name == "parameters at most 500"
        assert set(wall.x) == {500}
        assert (min(wall.y), max(wall.y)) == (4, 40)
        assert (min(wall.z), max(wall.z)) == (0.79, 0.95)
        assert "beyond a limit" in traces(figure)

    def test_limits_of_a_study_without_trials(
        self, study_of: Callable[..., StructureStudy]
    ) -> None:
        by = (Score("accuracy"), ParameterCount(at_most=500), InferenceTime())
        assert pareto_front(study_of(by, []), view="space").data == ()


class TestRefused:
    def test_one_objective(self, study_of: Callable[..., StructureStudy]) -> None:
        study = study_of([Score("accuracy")], [(0.9,)])
        with pytest.raises(ArgumentError, match="a front needs two objectives or more"):
            pareto_front(study)

    def test_space_of_two_objectives(self, study_of: Callable[..., StructureStudy]) -> None:
        study = study_of(TWO, TWO_POINTS)
        with pytest.raises(
            ArgumentError, match="view='space' needs three objectives, this study has 2"
        ):
            pareto_front(study, view="space")

    def test_unknown_view(self, study_of: Callable[..., StructureStudy]) -> None:
        study = study_of(TWO, TWO_POINTS)
        with pytest.raises(ArgumentError, match="view must be 'plane' or 'space', got 'cube'"):
            pareto_front(study, view="cube")  # type: ignore[arg-type]


def is_grey(colour: str) -> bool:
    """Tell whether red, green and blue of `#rrggbb` are nearly the same."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return max(parts) - min(parts) < 40
