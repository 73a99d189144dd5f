"""Tests of optistruct.samplers.backtracking."""

import itertools
from typing import Any

import optuna
import pytest

from optistruct import samplers, spaces
from optistruct.samplers import Visited, visited

LIMIT = 90
LAYERS, WIDTHS, INPUTS = 3, (4, 8, 12, 16), 4


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(sampler=samplers.by_name("backtracking"))


def perceptron(trial: Any) -> float:
    """Widths of up to three layers; each tells what it costs as soon as it is known."""
    parameters, inputs = 0, INPUTS
    for layer in range(trial.suggest_int("layers", 1, LAYERS)):
        width = trial.suggest_int(f"units_{layer}", WIDTHS[0], WIDTHS[-1], step=4)
        parameters += (inputs + 1) * width
        spaces.require(trial, parameters=parameters)
        inputs = width
    return float(parameters)


def within_limit() -> list[tuple[int, ...]]:
    found = []
    for layers in range(1, LAYERS + 1):
        for widths in itertools.product(WIDTHS, repeat=layers):
            inputs = (INPUTS, *widths[:-1])
            cost = sum((n + 1) * width for n, width in zip(inputs, widths, strict=True))
            if cost <= LIMIT:
                found.append(widths)
    return found


class TestSearch:
    def test_evaluates_exactly_the_structures_within_the_limit(self, study: optuna.Study) -> None:
        with spaces.limited({"parameters": LIMIT}):
            study.optimize(perceptron)
        complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
        found = [
            tuple(value for name, value in trial.params.items() if name != "layers")
            for trial in complete
        ]
        assert found == within_limit()

    def test_cuts_a_branch_but_once(self, study: optuna.Study) -> None:
        with spaces.limited({"parameters": LIMIT}):
            study.optimize(perceptron)
        cut = [
            tuple(trial.params.items()) for trial in study.trials if trial.state.name == "PRUNED"
        ]
        assert len(set(cut)) == len(cut)
        for one, other in itertools.permutations(cut, 2):
            assert one != other[: len(one)]

    def test_visits_fewer_than_a_grid_without_limits(self, study: optuna.Study) -> None:
        with spaces.limited({"parameters": LIMIT}):
            study.optimize(perceptron)
        assert len(study.trials) < 4 + 4**2 + 4**3


class TestVisited:
    def test_is_nothing_at_first(self, study: optuna.Study) -> None:
        assert visited(study) == Visited(0.0, 0.0)

    def test_counts_and_weighs_what_was_evaluated_and_cut(self, study: optuna.Study) -> None:
        def objective(trial: optuna.Trial) -> float:
            if trial.suggest_categorical("a", [1, 2, 3]) == 2:
                raise optuna.TrialPruned  # a third of the space at once
            if trial.suggest_int("b", 1, 4) == 4:
                raise optuna.TrialPruned  # two whole structures
            return 0.0

        study.optimize(objective, n_trials=4)
        assert visited(study) == Visited(pytest.approx(3 / 12), pytest.approx(1 / 12))
        study.optimize(objective)
        assert visited(study) == Visited(pytest.approx(6 / 12), pytest.approx(6 / 12))

    def test_a_failure_has_cost_an_evaluation(self, study: optuna.Study) -> None:
        def objective(trial: optuna.Trial) -> float:
            return 1 / trial.suggest_int("a", 0, 1)

        study.optimize(objective, catch=ZeroDivisionError)
        assert visited(study) == Visited(1.0, 0.0)

    def test_what_is_under_way_is_not_yet_visited(self, study: optuna.Study) -> None:
        perceptron(study.ask())
        assert visited(study) == Visited(0.0, 0.0)

    def test_shares_add_up_to_the_space(self, study: optuna.Study) -> None:
        with spaces.limited({"parameters": LIMIT}):
            study.optimize(perceptron)
        found = visited(study)
        assert found.evaluated + found.cut == pytest.approx(1)
        assert 0.3 < found.cut < 1
