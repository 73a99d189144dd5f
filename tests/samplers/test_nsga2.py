"""Tests of optistruct.samplers.nsga2."""

import statistics
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler, NSGAIISampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optistruct import samplers
from optistruct.samplers.history import History
from optistruct.samplers.nsga2 import NSGA2Sampler, most_promising, population


def trial(number: int, n: int, values: list[float] | None, **options: Any) -> FrozenTrial:
    made = create_trial(
        params={"n": n}, distributions={"n": IntDistribution(0, 99)}, values=values, **options
    )
    made.number = number
    return made


def history_of(*trials: FrozenTrial) -> History:
    history = History([StudyDirection.MINIMIZE] * 2)
    history.refresh(trials)
    return history


class TestPopulation:
    def test_the_feasible_come_first_then_by_rank(self) -> None:
        history = history_of(
            trial(0, 0, [0.0, 0.0], constraints={"size": 3.0}),
            trial(1, 1, [3.0, 3.0]),
            trial(2, 2, [0.0, 0.0], constraints={"size": 1.0}),
            trial(3, 3, [1.0, 2.0]),
            trial(4, 4, [2.0, 1.0]),
            trial(5, 5, [2.5, 2.5]),
            trial(6, 6, None, state=TrialState.PRUNED, constraints={"size": 2.0}),
            trial(7, 7, None, state=TrialState.FAIL),
        )
        found = population(history, 20).tolist()
        assert set(found[:2]) == {3, 4}
        assert found[2:] == [5, 1, 2, 6, 0]

    def test_has_each_structure_once(self) -> None:
        history = history_of(*(trial(i, i % 2, [float(i % 2)] * 2) for i in range(6)))
        assert population(history, 20).tolist() == [0, 1]

    def test_is_no_larger_than_wanted(self) -> None:
        history = history_of(*(trial(i, i, [float(i), float(9 - i)]) for i in range(10)))
        assert len(population(history, 4)) == 4

    def test_keeps_those_that_add_the_most(self) -> None:
        """In a crowd, none adds much."""
        values = [[0.0, 10.0], [5.0, 5.0], [5.01, 4.99], [5.02, 4.98], [10.0, 0.0], [11.0, 11.0]]
        history = history_of(*(trial(i, i, value) for i, value in enumerate(values)))
        assert set(population(history, 2).tolist()) == {0, 4}
        assert population(history, 6)[5] == 5

    @pytest.mark.parametrize("n_objectives", [1, 2, 3, 4, 5])
    def test_takes_any_number_of_objectives(self, n_objectives: int) -> None:
        history = History([StudyDirection.MINIMIZE] * n_objectives)
        history.refresh([trial(i, i, [float(i)] * n_objectives) for i in (1, 0, 2)])
        assert [history.trials[i].params["n"] for i in population(history, 9)] == [0, 1, 2]

    def test_of_nothing_usable_is_empty(self) -> None:
        assert population(history_of(), 5).size == 0
        assert population(history_of(trial(0, 0, None, state=TrialState.FAIL)), 5).size == 0


class TestMostPromising:
    def test_is_the_child_whose_relatives_are_good(self) -> None:
        history = history_of(*(trial(i, i, [abs(i - 70.0)] * 2) for i in range(0, 100, 10)))
        children = np.array([[0.1], [0.5], [0.7], [0.9]])
        assert most_promising(history, children) == 2

    def test_first_come_those_whose_relatives_meet_the_limits(self) -> None:
        history = history_of(
            *(trial(i, i, [float(i)] * 2, constraints={"size": 50.0 - i}) for i in range(0, 99, 10))
        )
        children = np.array([[0.1], [0.3], [0.6], [0.9]])
        assert most_promising(history, children) == 2
        assert most_promising(history, children[:2]) == 1  # which breaks it by less

    def test_what_was_stopped_at_a_limit_has_no_values(self) -> None:
        stopped = [
            trial(i, i, None, state=TrialState.PRUNED, constraints={"size": 1.0}) for i in (0, 1, 2)
        ]
        history = history_of(*stopped, *(trial(i, i, [2.0, 2.0]) for i in (90, 91, 92)))
        assert most_promising(history, np.array([[0.0], [0.95]])) == 1
        assert most_promising(history_of(*stopped), np.array([[0.0], [0.95]])) == 0


def two_families(trial: optuna.Trial) -> tuple[float, float]:
    """Each has four numbers of its own: no parameter but the choice is in all structures."""
    family = trial.suggest_categorical("family", ["a", "b"])
    best = 0.3 if family == "a" else 0.7
    distance = sum(abs(trial.suggest_float(f"{family}{i}", 0, 1) - best) for i in range(4))
    return distance, distance + (family == "a") / 10


def nearest(sampler: BaseSampler, n_trials: int) -> float:
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(two_families, n_trials=n_trials)
    return min(trial.values[0] for trial in study.trials)


class TestSearch:
    def test_crosses_what_only_some_structures_have(self) -> None:
        """Optuna's leaves such parameters random."""
        seeds = range(5)
        ours = [nearest(NSGA2Sampler(seed=seed), 100) for seed in seeds]
        optunas = [nearest(NSGAIISampler(seed=seed, population_size=20), 100) for seed in seeds]
        assert statistics.median(ours) < 0.6 * statistics.median(optunas)

    def test_enqueued_trials_are_parents(self) -> None:
        """Two that are far better than what is found at random soon have children."""
        study = optuna.create_study(
            directions=["minimize"] * 2, sampler=samplers.by_name("nsga2", seed=1)
        )

        def objective(trial: optuna.Trial) -> tuple[float, float]:
            digits = [trial.suggest_int(f"n{i}", 0, 500) for i in range(6)]
            return sum(digits), sum(digits) + digits[0]

        study.optimize(objective, n_trials=30)
        study.enqueue_trial({f"n{i}": 2 * i for i in range(6)})
        study.enqueue_trial({f"n{i}": 2 * i + 1 for i in range(6)})
        study.optimize(objective, n_trials=30)
        inherited = [
            sum(trial.params[f"n{i}"] in (2 * i, 2 * i + 1) for i in range(6))
            for trial in study.trials
        ]
        assert max(inherited[:30]) <= 1
        assert sum(n >= 3 for n in inherited[32:]) >= 3
