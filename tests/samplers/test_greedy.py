"""Tests of optistruct.samplers.greedy."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial

from optistruct import pareto, samplers
from optistruct.samplers.greedy import GREEDY


def study_of(n_objectives: int = 1, seed: int = 0) -> optuna.Study:
    return optuna.create_study(
        directions=["minimize"] * n_objectives, sampler=samplers.by_name("greedy", seed=seed)
    )


def numbers(trial: optuna.Trial) -> tuple[float, float]:
    a, b, c = (trial.suggest_int(name, 0, 40) for name in "abc")
    x = trial.suggest_float("x", 0, 1)
    return abs(a - 20) + b + x, abs(a - 30) + abs(c - 7) + x


def conditional(trial: optuna.Trial) -> tuple[float, float]:
    x = trial.suggest_float("x", 0, 1)
    if trial.suggest_categorical("kind", ["plain", "more", "most"]) == "plain":
        return 1 + x, 1 - x
    y, n = trial.suggest_float("y", 0, 1), trial.suggest_int("n", 1, 6)
    return x + y, n - x


CHILDREN = {"kind": {"y", "n"}}


def changes(study: optuna.Study) -> list[tuple[FrozenTrial, dict[str, Any]]]:
    """The trials that changed a structure, each with its note."""
    notes = [(trial, trial.system_attrs.get(GREEDY, {})) for trial in study.trials]
    return [(trial, note) for trial, note in notes if "from" in note]


class TestChanges:
    def test_what_an_enqueued_trial_leaves_open_is_no_change(self) -> None:
        study = study_of(2)
        study.optimize(numbers, n_trials=10)
        study.enqueue_trial({"a": 3, "b": 5})
        study.optimize(numbers, n_trials=1)
        assert GREEDY not in study.trials[-1].system_attrs
        assert study.trials[-1].params["a"] == 3

    @pytest.mark.parametrize("space", [numbers, conditional])
    def test_each_trial_changes_one_parameter_of_a_structure_on_the_front(self, space: Any) -> None:
        study = study_of(2)
        study.optimize(space, n_trials=50)
        changed = changes(study)
        assert len(changed) > 40
        for trial, note in changed:
            before = study.trials[note["from"]]
            differing = {
                name
                for name in before.params.keys() | trial.params.keys()
                if before.params.get(name) != trial.params.get(name)
            }
            assert note["parameter"] in differing
            assert differing - {note["parameter"]} <= CHILDREN.get(note["parameter"], set())
            losses = np.array([t.values for t in study.trials[: trial.number]])
            assert pareto.is_nondominated(losses)[note["from"]]

    def test_none_is_tried_twice(self) -> None:
        study = study_of(2)
        study.optimize(conditional, n_trials=60)
        tried = [(n["from"], n["parameter"], n["to"]) for _, n in changes(study)]
        assert len(set(tried)) == len(tried)

    def test_none_is_tried_by_two_workers(self) -> None:
        """Also where the children of a changed choice are drawn anew for each."""
        study = study_of(2)
        for kind in ("plain", "more", "most"):
            study.enqueue_trial({"kind": kind, "x": 0.0, "y": 1.0, "n": 6})
        study.optimize(conditional, n_trials=3)
        for _ in range(12):
            conditional(study.ask())
        tried = [(n["from"], n["parameter"], n["to"]) for _, n in changes(study)]
        assert len(tried) >= 5
        assert len(set(tried)) == len(tried)

    def test_goes_from_coordinate_to_coordinate(self) -> None:
        study = study_of()
        study.enqueue_trial({"a": 20, "b": 20, "c": 20})  # which nothing improves
        study.optimize(
            lambda trial: sum(abs(trial.suggest_int(name, 0, 40) - 20) for name in "abc"),
            n_trials=7,
        )
        assert [note["parameter"] for _, note in changes(study)] == list("abc") * 2

    def test_tries_the_nearest_values_first(self) -> None:
        study = study_of()
        study.enqueue_trial({"n": 5})
        study.optimize(lambda trial: abs(trial.suggest_int("n", 1, 9) - 5), n_trials=9)
        apart = [abs(trial.params["n"] - 5) for trial in study.trials]
        assert apart == [0, 1, 1, 2, 2, 3, 3, 4, 4]

    def test_an_improvement_is_gone_on_from_at_once(self) -> None:
        study = study_of()
        study.enqueue_trial({"n": 9})
        study.optimize(lambda trial: trial.suggest_int("n", 1, 9), n_trials=9)
        assert [trial.params["n"] for trial in study.trials] == list(range(9, 0, -1))

    def test_while_nothing_is_feasible_what_breaks_the_limits_least_is_changed(self) -> None:
        study = study_of()
        for n in (30, 12, 25):
            study.enqueue_trial({"n": n})
        for _ in range(4):
            trial = study.ask()
            n = trial.suggest_int("n", 0, 40)
            trial.set_constraint("n", n - 5)
            study.tell(trial, -n)
        assert study.trials[3].system_attrs[GREEDY]["from"] == 1


@pytest.fixture
def propagating() -> Iterator[None]:
    optuna.logging.enable_propagation()  # or pytest sees nothing
    yield
    optuna.logging.disable_propagation()


@pytest.mark.usefixtures("propagating")
class TestRestart:
    """It says so as Optuna says what it does: on standard error, unless that is turned off."""

    @pytest.fixture
    def stuck(self, propagating: None, caplog: pytest.LogCaptureFixture) -> optuna.Study:
        """A search that begins at the optimum, whose six neighbours are all worse."""
        study = study_of(seed=3)
        study.enqueue_trial({"x": 0.5})
        with caplog.at_level(logging.INFO, "optuna"):
            study.optimize(lambda trial: abs(trial.suggest_float("x", 0, 1) - 0.5), n_trials=16)
        return study

    def test_begins_again_when_every_change_has_been_tried(self, stuck: optuna.Study) -> None:
        notes = [trial.system_attrs.get(GREEDY, {}) for trial in stuck.trials]
        assert [note.get("from") for note in notes[1:7]] == [0] * 6
        assert notes[7] == {"restart": True}
        assert stuck.trials[7].value is not None
        assert min(abs(t.params["x"] - stuck.trials[7].params["x"]) for t in stuck.trials[:7]) > 0

    def test_climbs_a_front_of_its_own_from_there(self, stuck: optuna.Study) -> None:
        """What was found before dominates it all, and is left alone."""
        assert {note["from"] >= 7 for trial, note in changes(stuck) if trial.number > 7} == {True}

    def test_says_so(self, stuck: optuna.Study, caplog: pytest.LogCaptureFixture) -> None:
        records = caplog.get_records("setup")
        said = [r.getMessage() for r in records if r.name.startswith("optuna.optistruct")]
        assert said[0] == (
            "Trial 7: every change of the 1 structures on the front has been tried; "
            "the greedy search begins again at a random structure."
        )

    def test_says_nothing_at_the_start(self, caplog: pytest.LogCaptureFixture) -> None:
        study = study_of()
        with caplog.at_level(logging.INFO, "optuna"):
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
        assert study.trials[0].system_attrs[GREEDY] == {"restart": True}
        assert not [r for r in caplog.records if r.name.startswith("optuna.optistruct")]
