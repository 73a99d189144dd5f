"""The front as a table for a terminal."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.objectives import InferenceTime, Objective, ParameterCount, Score
from optistruct.reporting import front_table
from optistruct.reporting.tables import heading

BY_BOTH: tuple[Objective, ...] = (Score("accuracy"), InferenceTime())


def printed(table: Table, width: int = 120) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_heading() -> None:
    assert heading(InferenceTime()) == "inference_time (us)"
    assert heading(ParameterCount()) == "parameters"


def test_rows_are_the_front(study_of: Callable[..., StructureStudy]) -> None:
    study = study_of(BY_BOTH, [(0.8, 10.0), (0.95, 250.0), (0.7, 300.0), "broken"])
    text = printed(front_table(study))
    lines = [line.split() for line in text.splitlines()]
    assert "points: 2 on the front of 4 trials (1 failed)" in text
    assert "inference_time" in text
    assert "(us)" in text
    first = next(line for line in lines if line[:1] == ["1"])
    second = next(line for line in lines if line[:1] == ["0"])
    assert first == ["1", "0.950", "±", "0.055", "250", "±", "14", "max_depth=2"]
    assert second == ["0", "0.800", "±", "0.046", "10", "±", "1", "max_depth=1"]
    assert lines.index(first) < lines.index(second)  # the best in the first objective first
    assert not any(line[:1] == ["2"] for line in lines)  # dominated


def test_of_an_empty_front(study_of: Callable[..., StructureStudy]) -> None:
    by = (Score("accuracy"), InferenceTime(at_most=5))
    text = printed(front_table(study_of(by, [(0.8, 10.0)])))
    told = " ".join(text.split())  # the title is folded to the table's width
    assert "points: 0 on the front of 1 trial (1 beyond a limit)" in told


def test_names_that_look_like_markup(study_of: Callable[..., StructureStudy]) -> None:
    by = (Score("accuracy", label="acc[bold]"), InferenceTime())
    text = printed(front_table(study_of(by, [(0.8, 10.0)], name="a[red]b")))
    assert "a[red]b: 1 on the front" in text
    assert "acc[bold]" in text


def test_structures_that_look_like_markup(study_of: Callable[..., StructureStudy]) -> None:
    def space(trial: Any) -> Any:
        trial.suggest_categorical("layers", ["[/8]", "[red]"])
        return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 9))

    text = printed(front_table(study_of(BY_BOTH, [(0.8, 10.0)], space=space)))
    assert "layers=[/8]" in text or "layers=[red]" in text


def test_nothing_is_lost_of_many_objectives(study_of: Callable[..., StructureStudy]) -> None:
    scorings = ("balanced_accuracy", "roc_auc", "accuracy", "neg_brier_score")
    by = (*map(Score, scorings), ParameterCount())
    values = (0.81, 0.82, 0.83, 0.84, 123456.0)
    text = printed(front_table(study_of(by, [*["broken"] * 100, values])), width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    for part in ("100", "0.810", "0.820", "0.830", "0.840", "123,456", "max_depth=2"):
        assert part in text


def test_nothing_is_lost_in_80_columns(study_of: Callable[..., StructureStudy]) -> None:
    """So wide is the output where there is no terminal; what does not fit goes on below."""

    def space(trial: Any) -> Any:
        trial.suggest_float("a_parameter_of_a_long_name", 0.5, 0.5)
        trial.suggest_categorical("another_parameter_of_a_long_name", ["a_choice_of_a_long_name"])
        return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 9))

    by = (Score("balanced_accuracy"), ParameterCount(), InferenceTime())
    text = printed(front_table(study_of(by, [(0.8, 123456.0, 12345.0)], space=space)), width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    for part in ("balanced_", "accuracy", "inference_time", "0.800", "123,456", "12,345"):
        assert part in text
    [head] = [line for line in text.splitlines() if "structure" in line]
    place = head.index("structure")
    column = "".join(line[place:].strip() for line in text.splitlines())
    for part in ("a_parameter_of_a_long_name=0.5", "a_choice_of_a_long_name", "max_depth=1"):
        assert part in column
