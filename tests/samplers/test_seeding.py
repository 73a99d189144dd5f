"""Samplers whose randomness is a function of (seed, trial, parameter), in plain Optuna studies."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler

from optistruct import samplers
from optistruct.exceptions import UnknownNameError
from optistruct.samplers import SeededNSGAII, SeededTPE
from optistruct.samplers.seeding import stream_seed

MAKERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: SeededTPE(seed=seed, n_startup_trials=4),
    "nsga2": lambda seed: SeededNSGAII(seed=seed, population_size=4),
    "tpe multivariate": lambda seed: SeededTPE(
        seed=seed, n_startup_trials=4, multivariate=True, group=True
    ),
}

SEED_OF_0_A = 344251059

TRIALS = {"tpe": 90, "nsga2": 300}
"""How many trials a sampler is given to learn; NSGA-II's first 50 are random."""

pytestmark = pytest.mark.filterwarnings(
    "ignore::optuna.exceptions.ExperimentalWarning"  # multivariate TPE
)


def objective(trial: optuna.Trial) -> tuple[float, float]:
    """Two aims that pull apart, in a space with a parameter that only one branch has."""
    x = trial.suggest_float("x", 0, 1)
    if trial.suggest_categorical("kind", ["plain", "more"]) == "plain":
        return x, 1 - x
    n = trial.suggest_int("n", 1, 8, log=True)
    return x + n / 8, (1 - x) / n


def search(
    sampler: BaseSampler, n_trials: int, storage: optuna.storages.BaseStorage | None = None
) -> list[tuple[dict[str, Any], list[float]]]:
    study = optuna.create_study(
        study_name="t",
        storage=storage,
        sampler=sampler,
        directions=["minimize", "minimize"],
        load_if_exists=storage is not None,
    )
    study.optimize(objective, n_trials=n_trials - len(study.trials))
    return [(trial.params, trial.values) for trial in study.trials]


class TestStreamSeed:
    def test_is_a_function_of_the_key(self) -> None:
        assert stream_seed(0, "own", 3, "x") == stream_seed(0, "own", 3, "x")
        assert stream_seed(0, "a") == SEED_OF_0_A  # on every machine, in every process

    def test_differs_in_every_part(self) -> None:
        keys = [
            (0, "own", 3, "x"),
            (1, "own", 3, "x"),
            (0, "own", 4, "x"),
            (0, "own", 3, "y"),
            (0,),
        ]
        assert len({stream_seed(*key) for key in keys}) == len(keys)

    def test_fits_numpy(self) -> None:
        assert all(0 <= stream_seed(number) < 2**32 for number in range(200))


@pytest.mark.parametrize("kind", list(MAKERS))
class TestSampler:
    def test_is_a_function_of_the_seed(self, kind: str) -> None:
        first, second = (search(MAKERS[kind](5), 14) for _ in range(2))
        other = search(MAKERS[kind](6), 14)
        assert first == second
        assert first != other

    def test_does_not_repeat_itself(self, kind: str) -> None:
        """Every trial, and every parameter of a trial, has a random stream of its own."""
        study = optuna.create_study(sampler=MAKERS[kind](0))
        points = []
        for _ in range(4):  # as many as each of them takes at random
            trial = study.ask()
            points += [trial.suggest_float(name, 0, 1) for name in "ab"]
            study.tell(trial, 0.0)
        assert len(set(points)) == 8

    @pytest.mark.parametrize("stops", [(1,), (4,), (8, 9), (2, 5, 12)], ids=str)
    def test_made_anew_goes_on_the_same(self, kind: str, stops: tuple[int, ...]) -> None:
        storage = optuna.storages.InMemoryStorage()
        for n_trials in (*stops, 16):
            resumed = search(MAKERS[kind](0), n_trials, storage)
        assert resumed == search(MAKERS[kind](0), 16)

    def test_use_in_between_changes_nothing(self, kind: str) -> None:
        """What one object was used for elsewhere leaves no trace in it."""
        used = MAKERS[kind](0)
        search(used, 9)
        assert search(used, 12) == search(MAKERS[kind](0), 12)

    def test_workers_that_share_a_seed_propose_different_points(self, kind: str) -> None:
        storage = optuna.storages.InMemoryStorage()
        optuna.create_study(study_name="t", storage=storage, directions=["minimize"] * 2)
        workers = [
            optuna.load_study(study_name="t", storage=storage, sampler=MAKERS[kind](0))
            for _ in range(2)
        ]
        points = [worker.ask().suggest_float("x", 0, 1) for _ in range(6) for worker in workers]
        assert len(set(points)) == 12


@pytest.mark.parametrize("name", list(samplers.SAMPLERS))
class TestByName:
    def test_searches_conditional_spaces(self, name: str) -> None:
        found = search(samplers.by_name(name, seed=2), 20)
        assert {params["kind"] for params, _ in found} == {"plain", "more"}
        for params, values in found:
            assert ("n" in params) == (params["kind"] == "more")
            assert len(values) == 2

    def test_learns(self, name: str) -> None:
        """The last structures are nearer to the optimum than the first, which are random."""

        def distance(trial: optuna.Trial) -> float:
            return sum(abs(trial.suggest_float(name, -10, 10) - 3) for name in "abcd")

        study = optuna.create_study(sampler=samplers.by_name(name, seed=0))
        study.optimize(distance, n_trials=TRIALS[name])
        values = [trial.value for trial in study.trials]
        assert sum(values[-20:]) < 0.7 * sum(values[:20])  # type: ignore[arg-type]

    def test_minds_constraints(self, name: str) -> None:
        """Only 1 point in 4 is allowed, and the objectives draw away from those."""
        study = optuna.create_study(
            sampler=samplers.by_name(name, seed=0), directions=["minimize", "minimize"]
        )
        allowed = []
        for _ in range(TRIALS[name]):
            trial = study.ask()
            x, y, z = (trial.suggest_float(name, 0, 1) for name in "xyz")
            trial.set_constraint("x >= 0.75", 0.75 - x)
            allowed.append(x >= 0.75)
            study.tell(trial, [x + y, x + z])
        assert sum(allowed[-40:]) > 20


def test_are_optunas() -> None:
    assert isinstance(samplers.by_name("tpe"), TPESampler)
    assert isinstance(samplers.by_name("nsga2"), NSGAIISampler)


def test_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="unknown sampler 'tp'; known, nearest first: tpe, "):
        samplers.by_name("tp")
