"""Tests of optistruct.samplers.smsego."""

import pickle
import statistics

import numpy as np
import optuna
import pytest

from optistruct import pareto, samplers, spaces
from optistruct.samplers.smsego import SMSEGOSampler

REFERENCE = np.array([60.0, 60.0])
SEEDS = range(5)


def valley(trial: optuna.Trial) -> tuple[float, float]:
    """448 structures, some with one parameter more."""
    a, b = trial.suggest_int("a", 0, 7), trial.suggest_int("b", 0, 7)
    extra = 0
    if trial.suggest_categorical("kind", ["plain", "deep"]) == "deep":
        extra = 2 * abs(trial.suggest_int("depth", 1, 6) - 4) - 4
    return (a - 2) ** 2 + (b - 5) ** 2 + extra, (a - 6) ** 2 + (b - 1) ** 2 + extra / 2


def hypervolume(name: str, seed: int, n_trials: int | None = None) -> float:
    study = optuna.create_study(
        directions=["minimize"] * 2, sampler=samplers.by_name(name, seed=seed)
    )
    study.optimize(valley, n_trials=n_trials)
    return pareto.hypervolume(np.array([trial.values for trial in study.trials]), REFERENCE)


@pytest.mark.slow
def test_finds_more_of_the_front_than_random_search() -> None:
    exact = hypervolume("grid", 0)
    missed = {
        name: statistics.median(1 - hypervolume(name, seed, 40) / exact for seed in SEEDS)
        for name in ("smsego", "random")
    }
    assert missed["smsego"] < 0.75 * missed["random"]


def refused(name: str, seed: int, *, is_evaluated: bool) -> int:
    """Search where a < 3 is not allowed; count how often that is asked for after 25 trials."""
    study = optuna.create_study(
        directions=["minimize"] * 2, sampler=samplers.by_name(name, seed=seed)
    )
    for _ in range(50):
        trial = study.ask()
        values = valley(trial)
        trial.set_constraint("a", 3 - trial.params["a"])
        if is_evaluated or trial.params["a"] >= 3:
            study.tell(trial, values)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return sum(trial.params["a"] < 3 for trial in study.trials[25:])


@pytest.mark.slow
@pytest.mark.parametrize("is_evaluated", [True, False])
def test_asks_for_few_that_break_a_limit(is_evaluated: bool) -> None:
    """Whether they are evaluated, or refused before they are."""
    bad = {
        name: statistics.mean(refused(name, seed, is_evaluated=is_evaluated) for seed in range(3))
        for name in ("smsego", "random")
    }
    assert bad["smsego"] < 0.5 * bad["random"]


def at_the_least_size(seed: int) -> int:
    """Search where many structures are as small as any; count them among trials 51 to 100."""
    sampler = samplers.by_name("smsego", seed=seed, scales=["linear", "log"])
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)

    def measure(trial: optuna.Trial) -> tuple[float, float]:
        width = trial.suggest_int("width", 1, 100, log=True)
        luck = trial.suggest_float("luck", 0, 1)
        size = max(10.0, 5 * width * (1 + 0.2 * trial.suggest_float("waste", 0, 1)))
        return 1 / width + (luck - 0.6) ** 2, size

    study.optimize(measure, n_trials=100)
    return sum(trial.values[1] == 10 for trial in study.trials[50:])


@pytest.mark.slow
def test_does_not_hope_for_less_than_the_least() -> None:
    assert statistics.mean(at_the_least_size(seed) for seed in range(3)) < 12


def test_each_objective_is_taken_to_be_better_by_its_own_optimism() -> None:
    sampler = SMSEGOSampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(valley, n_trials=30)
    rows = sampler.history.rows[:9] * 0.5
    plain = sampler._optimistic(rows, np.array([0.0, 0.0]))
    hopeful = sampler._optimistic(rows, np.array([0.0, 3.0]))
    np.testing.assert_array_equal(hopeful[:, 0], plain[:, 0])
    assert (hopeful[:, 1] < plain[:, 1]).any()


def late_and_asked(kinds: str) -> tuple[SMSEGOSampler, SMSEGOSampler, int]:
    """Have a sampler asked before and after the fourth of 101 trials, of kind c, has ended.

    Args:
        kinds: Kinds of the other trials; those of kinds b and c have a parameter more.

    Returns:
        The sampler; a copy of it that remembers nothing; and the number of the trial asked for.
    """
    sampler = SMSEGOSampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    known: dict[str, optuna.distributions.BaseDistribution] = {
        "kind": optuna.distributions.CategoricalDistribution([*"abc"]),
        "a": optuna.distributions.IntDistribution(0, 99),
        "b": optuna.distributions.IntDistribution(0, 99),
    }
    rng, late = np.random.default_rng(0), None
    for number in range(101):
        if number == 3:
            study.enqueue_trial({"kind": "c"})
            late = study.ask(known)
            continue
        params = {"kind": kinds[number % len(kinds)], "a": int(rng.integers(100))}
        if params["kind"] != "a":
            params["b"] = int(rng.integers(100))
        values = [(params["a"] - 30.0) ** 2, (params.get("b", 50) - 70.0) ** 2]
        distributions = {name: known[name] for name in params}
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=distributions, values=values)
        )
    assert late is not None
    study.ask(known)  # for which it learns from all but the late one
    study.tell(late, [-1e4, -1e4])
    number = study.ask().number
    trial, new = study.trials[number], pickle.loads(pickle.dumps(sampler))
    assert sampler._proposal_of(study, trial) == new._proposal_of(study, trial)
    return sampler, new, number


def test_a_trial_that_ends_after_later_ones_is_learnt_from_as_by_a_new_process() -> None:
    late_and_asked("c")


def test_so_are_the_conditions_that_it_shows() -> None:
    rows = [
        one.variation(number, one.history.rows).random(200)
        for *both, number in [late_and_asked("ab")]
        for one in both
    ]
    np.testing.assert_array_equal(*rows)
    is_c = rows[0][:, 0] == rows[0][:, 0].max()
    assert not np.isnan(rows[0][is_c]).any()


def test_how_optimistic_it_is_is_drawn_for_each_trial_and_objective() -> None:
    def drawn() -> np.ndarray:
        return np.array([SMSEGOSampler(seed=3)._optimism(number, 2) for number in range(300)])

    assert len(np.unique(drawn())) == 600
    np.testing.assert_allclose(drawn().mean(axis=0), 1.0, atol=0.2)
    np.testing.assert_array_equal(drawn(), drawn())


def idle_below_a_half(trial: optuna.Trial) -> tuple[float, float]:
    """Take values to which `depth` matters from a half on only."""
    width = trial.suggest_int("width", 1, 9)
    depth = max(0.5, trial.suggest_float("depth", 0, 1))
    return (width - 6) ** 2 + depth, width - depth


def searched(n_trials: int) -> tuple[SMSEGOSampler, optuna.Study]:
    sampler = SMSEGOSampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    rng = np.random.default_rng(0)
    for _ in range(n_trials):
        study.enqueue_trial({"width": int(rng.integers(1, 10)), "depth": float(rng.random())})
    study.optimize(idle_below_a_half, n_trials=n_trials + 1)
    return sampler, study


def test_structures_like_those_that_have_the_values_of_others_are_no_news() -> None:
    sampler, _ = searched(120)
    rows = np.array([[0.5, depth] for depth in np.linspace(0.05, 0.95, 10)])
    novelty = sampler._novelty(rows)
    assert novelty[:4].max() < 0.3 < 0.7 < novelty[6:].min()


def test_all_is_news_where_no_two_have_the_same_values() -> None:
    sampler = SMSEGOSampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.number), n_trials=20)
    np.testing.assert_array_equal(sampler._novelty(sampler.history.rows * 0.9), 1.0)


def test_what_is_no_news_is_not_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler, study = searched(40)
    place = [column.name for column in sampler.history.columns].index("depth")
    monkeypatch.setattr(
        sampler, "_novelty", lambda candidates: (candidates[:, place] > 0.8).astype(float)
    )
    for _ in range(5):
        trial = study.ask()
        idle_below_a_half(trial)
        assert trial.params["depth"] > 0.8


def test_a_trial_that_failed_before_it_was_asked_anything_tells_nothing() -> None:
    def flat(trial: optuna.Trial) -> tuple[float, float]:
        return trial.suggest_float("a", 0, 1), -trial.suggest_float("b", 0, 1)

    sampler = SMSEGOSampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    study.optimize(flat, n_trials=15)
    drawn = sampler.variation(16, sampler.history.rows).random(9)
    assert not np.isnan(drawn).any()
    assert not sampler.has_kinds


@pytest.mark.parametrize("ended", ["fails", "is given up"])
def test_a_trial_that_ended_half_way_does_not_tell_which_parameters_there_are(ended: str) -> None:
    def flat(trial: optuna.Trial) -> tuple[float, float]:
        a = trial.suggest_float("a", 0, 1)
        if a > 0.5 and ended == "fails":
            raise ValueError
        spaces.require(trial, parameters=1 + a)
        return a, -trial.suggest_float("b", 0, 1)

    sampler = SMSEGOSampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    with spaces.limited({"parameters": 1.5}):
        study.optimize(flat, n_trials=15, catch=ValueError)
    half_way = [trial for trial in study.trials if "b" not in trial.params]
    assert half_way
    drawn = sampler.variation(16, sampler.history.rows).random(40)
    assert not np.isnan(drawn).any()
    assert not sampler.has_kinds


def test_its_lock_outlives_what_it_remembers() -> None:
    """Or two threads that hold one each would write into the same history."""
    sampler = SMSEGOSampler(seed=0)
    lock = sampler._lock
    for _ in range(2):
        study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
        study.optimize(valley, n_trials=3)
    assert sampler._lock is lock
