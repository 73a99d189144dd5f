"""Tests of optistruct.samplers.conditions: what is learnt from random structures of a space."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FixedTrial

from optistruct.samplers.columns import Numbers
from optistruct.samplers.conditions import Conditions
from optistruct.samplers.history import History

Space = Callable[[Any], None]


def nested(trial: Any) -> None:
    """A family has its parameters, and some of those have theirs."""
    trial.suggest_float("always", 0, 1)
    family = trial.suggest_categorical("family", ["linear", "forest", "neural"])
    if family == "linear":
        if trial.suggest_categorical("linear.penalty", ["l2", None]) == "l2":
            trial.suggest_float("linear.strength", 1e-3, 10, log=True)
    elif family == "forest":
        trial.suggest_int("forest.trees", 1, 400, log=True)
        if trial.suggest_categorical("forest.limited", [True, False]):
            trial.suggest_int("forest.depth", 1, 12)
    else:
        for layer in range(trial.suggest_int("neural.layers", 1, 4)):
            trial.suggest_int(f"neural.units_{layer}", 4, 64, log=True)


def threshold(trial: Any) -> None:
    """Numbers of many values decide by a threshold."""
    if trial.suggest_int("size", 1, 200) >= 90:
        trial.suggest_float("shrinkage", 0, 1)
    if trial.suggest_float("rate", 0, 1) < 0.5:
        trial.suggest_int("steps", 1, 9)


def together(trial: Any) -> None:
    """One parameter is there for two answers at once."""
    a = trial.suggest_categorical("a", [True, False])
    b = trial.suggest_categorical("b", [True, False])
    if a and b:
        trial.suggest_float("both", 0, 1)


def seen(space: Space, n: int = 80) -> History:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(n):
        trial = study.ask()
        space(trial)
        study.tell(trial, 0.0)
    history = History([StudyDirection.MINIMIZE])
    history.refresh(study.trials)
    return history


def fill_with(history: History, seed: int = 0) -> Callable[[int, NDArray[np.intp]], Numbers]:
    rng = np.random.default_rng(seed)
    return lambda place, lacking: history.columns[place].draw(rng, lacking.size)


def asked_for(space: Space, history: History, row: Numbers) -> set[str]:
    """Ask the space which parameters a structure has; it raises if one is missing."""
    values = {
        column.name: column.decode(float(number), column.distribution)
        for column, number in zip(history.columns, row, strict=True)
        if not math.isnan(number)
    }
    trial = FixedTrial(values)
    space(trial)
    assert set(trial.params) <= set(values)
    return set(trial.params)


def names_in(history: History, row: Numbers) -> set[str]:
    return {history.columns[i].name for i in np.flatnonzero(~np.isnan(row))}


class TestComplete:
    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_gives_structures_exactly_their_parameters(self, share: float) -> None:
        """From nothing, from everything at once, and from any part of it."""
        history = seen(nested)
        rng = np.random.default_rng(1)
        rows = np.column_stack([column.draw(rng, 60) for column in history.columns])
        rows[rng.random(rows.shape) > share] = np.nan
        Conditions(history.columns, history.rows).complete(rows, fill_with(history))
        for row in rows:
            assert names_in(history, row) == asked_for(nested, history, row)

    def test_leaves_the_structures_seen_as_they_are(self) -> None:
        history = seen(nested)
        rows = history.rows.copy()
        Conditions(history.columns, history.rows).complete(rows, fill_with(history))
        np.testing.assert_array_equal(rows, history.rows)

    def test_fills_only_what_is_lacking(self) -> None:
        history = seen(nested)
        rows = np.full((40, len(history.columns)), np.nan)
        rows[:, 0] = 0.125
        Conditions(history.columns, history.rows).complete(rows, fill_with(history))
        assert (rows[:, 0] == 0.125).all()

    def test_answers_of_one_condition_are_drawn_for_their_rows_alone(self) -> None:
        history = seen(nested)
        asked: list[tuple[str, int]] = []

        def fill(place: int, lacking: NDArray[np.intp]) -> Numbers:
            asked.append((history.columns[place].name, lacking.size))
            return np.zeros(lacking.size)  # the first family, l2

        Conditions(history.columns, history.rows).complete(
            np.full((7, len(history.columns)), np.nan), fill
        )
        assert asked == [
            (name, 7) for name in ("always", "family", "linear.penalty", "linear.strength")
        ]

    def test_a_number_of_layers_has_its_units(self) -> None:
        history = seen(nested)
        place = {column.name: i for i, column in enumerate(history.columns)}
        rows = np.full((4, len(history.columns)), np.nan)
        rows[:, place["family"]] = 2
        rows[:, place["neural.layers"]] = [0, 1 / 3, 2 / 3, 1]
        history.columns[place["neural.layers"]].settle(rows[:, place["neural.layers"]])
        Conditions(history.columns, history.rows).complete(rows, fill_with(history))
        for n, row in enumerate(rows, 1):
            units = {name for name in names_in(history, row) if "units" in name}
            assert units == {f"neural.units_{layer}" for layer in range(n)}

    def test_a_threshold_lies_between_the_answers_seen(self) -> None:
        history = seen(threshold, n=300)
        place = {column.name: i for i, column in enumerate(history.columns)}
        rows = np.full((200, len(history.columns)), np.nan)
        rows[:, place["size"]] = rows[:, place["rate"]] = np.linspace(0, 1, 200)
        Conditions(history.columns, history.rows).complete(rows, fill_with(history))
        sizes, rates = 1 + rows[:, place["size"]] * 199, rows[:, place["rate"]]
        has_shrinkage = ~np.isnan(rows[:, place["shrinkage"]])
        has_steps = ~np.isnan(rows[:, place["steps"]])
        assert has_shrinkage[sizes > 93].all()
        assert not has_shrinkage[sizes < 87].any()
        assert has_steps[rates < 0.48].all()
        assert not has_steps[rates > 0.52].any()

    def test_a_category_that_was_never_seen_has_no_parameters(self) -> None:
        history = seen(nested)
        place = {column.name: i for i, column in enumerate(history.columns)}
        known = history.rows[history.rows[:, place["family"]] != 1]
        rows = np.full((1, len(history.columns)), np.nan)
        rows[0, place["family"]] = 1
        Conditions(history.columns, known).complete(rows, fill_with(history))
        assert names_in(history, rows[0]) == {"always", "family"}

    def test_leaves_what_two_answers_decide_to_the_parent(self) -> None:
        history = seen(together)
        rows = np.array([[0, 0, 0.5], [0, 0, math.nan], [1, 1, 0.5]])
        before = rows.copy()
        Conditions(history.columns, history.rows).complete(rows, fill_with(history))
        np.testing.assert_array_equal(rows, before)
