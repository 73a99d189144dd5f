"""Tests of optistruct.samplers.variation."""

import math
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import FixedTrial

from optistruct.samplers.columns import Numbers
from optistruct.samplers.conditions import Conditions
from optistruct.samplers.history import History
from optistruct.samplers.variation import Variation


def space(trial: Any) -> None:
    trial.suggest_float("rate", 1e-4, 1, log=True)
    trial.suggest_float("share", 0, 1, step=0.05)
    if trial.suggest_categorical("family", ["plain", "neural", "forest"]) == "neural":
        for layer in range(trial.suggest_int("layers", 1, 3)):
            trial.suggest_int(f"units_{layer}", 4, 64, log=True)
    elif trial.params["family"] == "forest":
        trial.suggest_int("trees", 1, 400)
        trial.suggest_categorical("rule", ["a", "b"])


CHILDREN = {
    "family": {"layers", "units_0", "units_1", "units_2", "trees", "rule"},
    "layers": {"units_1", "units_2"},
}


@pytest.fixture(scope="module")
def history() -> History:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(60):
        trial = study.ask()
        space(trial)
        study.tell(trial, 0.0)
    history = History([StudyDirection.MINIMIZE])
    history.refresh(study.trials)
    return history


def variation_of(history: History, seed: int = 0, donors: Numbers | None = None) -> Variation:
    return Variation(
        history.columns,
        history.rows if donors is None else donors,
        Conditions(history.columns, history.rows),
        np.random.default_rng(seed),
    )


def decoded(history: History, row: Numbers) -> dict[str, Any]:
    return {
        column.name: column.decode(float(number), column.distribution)
        for column, number in zip(history.columns, row, strict=True)
        if not math.isnan(number)
    }


def check(history: History, rows: Numbers) -> None:
    """See that each is a structure of the space: its parameters, each a value of its range."""
    for row in rows:
        params = decoded(history, row)
        trial = FixedTrial(params)
        space(trial)  # raises if one is missing, or beyond its range
        assert set(trial.params) == set(params)
        for column, number in zip(history.columns, row, strict=True):
            if not math.isnan(number):
                assert column.encode(params[column.name]) == pytest.approx(number, abs=2e-12)


def place_of(history: History, name: str) -> int:
    return [column.name for column in history.columns].index(name)


class TestRandom:
    def test_draws_structures_of_every_kind(self, history: History) -> None:
        rows = variation_of(history).random(100)
        check(history, rows)
        assert len(np.unique(~np.isnan(rows), axis=0)) == 5
        assert len(np.unique(rows, axis=0)) == 100


class TestNeighbors:
    def test_differ_in_one_answer_and_the_children_that_come_and_go(self, history: History) -> None:
        for row in history.rows[:12]:
            before = decoded(history, row)
            neighbors = variation_of(history).neighbors(row[np.newaxis], 1000)
            check(history, neighbors)
            for neighbor in neighbors:
                after = decoded(history, neighbor)
                changed = {
                    name
                    for name in before.keys() | after.keys()
                    if before.get(name, "none") != after.get(name, "none")
                }
                [cause] = changed - set().union(*(CHILDREN.get(name, ()) for name in changed))
                assert changed - {cause} <= CHILDREN.get(cause, set())

    def test_take_every_other_value_of_few(self, history: History) -> None:
        place = place_of(history, "layers")
        row = next(row for row in history.rows if row[place] == 0.5)
        neighbors = variation_of(history).neighbors(row[np.newaxis], 1000)
        family = place_of(history, "family")
        assert set(neighbors[:, family]) == {0, 1, 2}
        assert {0, 1} < set(neighbors[~np.isnan(neighbors[:, place]), place])

    def test_move_a_wide_number_both_ways_near_and_far(self, history: History) -> None:
        row = history.rows[0].copy()
        row[0] = 0.5
        neighbors = variation_of(history).neighbors(row[np.newaxis], 1000)
        moved = np.sort(np.unique(neighbors[:, 0][neighbors[:, 0] != 0.5] - 0.5))
        assert len(moved) == 6
        assert (moved < 0).sum() == 3
        assert np.abs(moved).min() < 0.05
        assert np.abs(moved).max() > 0.14

    def test_stay_inside_at_the_end_of_a_range(self, history: History) -> None:
        row = history.rows[0].copy()
        row[0], row[1] = 1.0, 0.0
        check(history, variation_of(history).neighbors(row[np.newaxis], 1000))

    def test_are_at_most_as_many_as_wanted(self, history: History) -> None:
        assert len(variation_of(history).neighbors(history.rows, 50)) == 50

    def test_of_structures_without_parameters_are_none(self) -> None:
        variation = Variation(
            [], np.empty((3, 0)), Conditions([], np.empty((3, 0))), np.random.default_rng(0)
        )
        assert variation.neighbors(np.empty((3, 0)), 10).shape == (0, 0)


class TestComplete:
    def test_takes_what_is_lacking_from_one_donor(self, history: History) -> None:
        """The children of a choice belong together."""
        donors = history.rows[~np.isnan(history.rows[:, place_of(history, "layers")])]
        plain = history.rows[history.rows[:, place_of(history, "family")] == 0][0].copy()
        plain[place_of(history, "family")] = 2
        plain[place_of(history, "trees")] = np.nan
        forests = history.rows[history.rows[:, place_of(history, "family")] == 2]
        places = [place_of(history, "trees"), place_of(history, "rule")]
        pairs = {tuple(row[places]) for row in forests}
        for seed in range(20):
            variation = variation_of(history, seed, np.concatenate([donors, forests]))
            assert tuple(variation.complete(plain)[places]) in pairs

    def test_draws_what_no_donor_has(self, history: History) -> None:
        plain = history.rows[history.rows[:, place_of(history, "family")] == 0]
        changed = plain[0].copy()
        changed[place_of(history, "family")] = 1
        drawn = [variation_of(history, seed, plain).complete(changed) for seed in range(10)]
        check(history, np.array(drawn))
        assert len(np.unique(np.array(drawn), axis=0)) > 5

    def test_does_not_change_what_it_is_given(self, history: History) -> None:
        row = history.rows[0].copy()
        row[place_of(history, "family")] = (row[place_of(history, "family")] + 1) % 3
        before = row.copy()
        variation_of(history).complete(row)
        np.testing.assert_array_equal(row, before)


def cross(variation: Variation, first: Numbers, second: Numbers, change: float) -> Numbers:
    child: Numbers = variation.cross(first[np.newaxis], second[np.newaxis], change)[0]
    return child


class TestCross:
    def test_takes_parents_without_parameters(self, history: History) -> None:
        nothing = np.empty((2, 0))
        variation = Variation([], nothing, Conditions([], nothing), np.random.default_rng(0))
        assert variation.cross(nothing, nothing, 1.5).shape == (2, 0)

    def test_has_exactly_the_parameters_of_its_choices(self, history: History) -> None:
        variation = variation_of(history)
        pairs = np.random.default_rng(3).integers(len(history), size=(150, 2))
        check(history, variation.cross(*history.rows[pairs.T], change=1.5))

    def test_takes_each_answer_from_a_parent(self, history: History) -> None:
        """Those of a branch that one parent has, from it."""
        family = place_of(history, "family")
        plain, neural, other = (
            next(row for row in history.rows[start:] if row[family] == kind)
            for start, kind in ((0, 0), (0, 1), (30, 1))
        )
        for seed in range(20):
            child = cross(variation_of(history, seed), plain, neural, change=0)
            theirs = np.isin(child, [*plain, *neural]) | np.isnan(child)
            assert theirs.all()
            if child[family] == 1:
                own = np.isnan(plain)
                np.testing.assert_array_equal(child[own], neural[own])
        both = [cross(variation_of(history, seed), neural, other, 0) for seed in range(20)]
        assert {tuple(row[:2]) for row in both} == {
            (a, b) for a in (neural[0], other[0]) for b in (neural[1], other[1])
        }

    def test_changes_as_many_as_wanted(self, history: History) -> None:
        row = history.rows[0]
        n = int((~np.isnan(row)).sum())
        variation = variation_of(history)
        np.testing.assert_array_equal(cross(variation, row, row, 0), row)
        counts = []
        for _ in range(200):
            child = cross(variation, row, row, 1.5)
            always = child[:3] != row[:3]
            counts.append(always.sum())
        assert 0.7 * 1.5 * 3 / n < np.mean(counts) < 1.1 * 1.5 * 3 / n
