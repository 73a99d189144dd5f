"""Tests of optistruct.samplers.grid; what every sampler does is in contracts/test_samplers.py."""

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from optistruct import samplers


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(sampler=samplers.by_name("grid"))


def conditional(trial: optuna.Trial) -> float:
    if trial.suggest_categorical("kind", ["plain", "more", None]) == "more":
        trial.suggest_int("n", 1, 5, step=2)
    trial.suggest_float("x", 0, 0.3, step=0.3)
    return 0.0


IN_ORDER: list[dict[str, Any]] = [
    {"kind": "plain", "x": 0.0},
    {"kind": "plain", "x": 0.3},
    {"kind": "more", "n": 1, "x": 0.0},
    {"kind": "more", "n": 1, "x": 0.3},
    {"kind": "more", "n": 3, "x": 0.0},
    {"kind": "more", "n": 3, "x": 0.3},
    {"kind": "more", "n": 5, "x": 0.0},
    {"kind": "more", "n": 5, "x": 0.3},
    {"kind": None, "x": 0.0},
    {"kind": None, "x": 0.3},
]


def test_the_answer_given_last_changes_the_fastest(study: optuna.Study) -> None:
    study.optimize(conditional)
    assert [trial.params for trial in study.trials] == IN_ORDER


def test_goes_through_a_logarithmic_range_number_by_number(study: optuna.Study) -> None:
    study.optimize(lambda trial: trial.suggest_int("n", 1, 4, log=True))
    assert [trial.params["n"] for trial in study.trials] == [1, 2, 3, 4]


def test_steps_stay_inside_their_range(study: optuna.Study) -> None:
    """3 x 0.1 is 0.30000000000000004, which is beyond 0.3."""
    study.optimize(lambda trial: trial.suggest_float("x", 0, 0.3, step=0.1))
    assert [trial.params["x"] for trial in study.trials] == [0.0, 0.1, 0.2, 0.3]


def test_leaves_out_what_was_there_before(study: optuna.Study) -> None:
    for params in (IN_ORDER[3], IN_ORDER[0]):
        study.enqueue_trial(params)
    study.optimize(conditional)
    assert [trial.params for trial in study.trials] == [
        IN_ORDER[3],
        IN_ORDER[0],
        *(params for i, params in enumerate(IN_ORDER) if i not in (0, 3)),
    ]


def test_the_seed_changes_nothing() -> None:
    study = optuna.create_study(sampler=samplers.by_name("grid", seed=5))
    study.optimize(conditional)
    assert [trial.params for trial in study.trials] == IN_ORDER


def test_equal_choices_are_visited_once(study: optuna.Study) -> None:
    study.optimize(lambda trial: bool(trial.suggest_categorical("a", [None, True, 1])), n_trials=9)
    assert [trial.params["a"] for trial in study.trials] == [None, True]


def test_what_is_under_way_is_handed_out_again_when_nothing_else_is_left(
    study: optuna.Study,
) -> None:
    left = study.ask()
    conditional(left)
    study.optimize(conditional, n_trials=20)
    assert [t.params for t in study.trials] == [IN_ORDER[0], *IN_ORDER[1:], IN_ORDER[0]]


def test_trials_under_way_are_not_handed_out_again(study: optuna.Study) -> None:
    asked = [study.ask() for _ in IN_ORDER]
    for trial in asked:
        conditional(trial)
    assert [trial.params for trial in asked] == IN_ORDER
    assert {trial.state for trial in study.trials} == {TrialState.RUNNING}
