"""Tests of optistruct.samplers.seeding; contracts/test_samplers.py has what every sampler does."""

import copy
from collections.abc import Callable
from time import sleep
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, TPESampler

from optistruct import samplers
from optistruct.samplers import SeededNSGAII, SeededNSGAIII, SeededTPE, seeding
from optistruct.samplers.seeding import stream_seed

MAKERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: SeededTPE(seed=seed, n_startup_trials=4),
    "nsga2": lambda seed: SeededNSGAII(seed=seed, population_size=4),
    "nsga3": lambda seed: SeededNSGAIII(seed=seed, population_size=4),
    "tpe multivariate": lambda seed: SeededTPE(
        seed=seed, n_startup_trials=4, multivariate=True, group=True
    ),
}

SEED_OF_0_A = 344251059

pytestmark = pytest.mark.filterwarnings(
    "ignore::optuna.exceptions.ExperimentalWarning"  # multivariate TPE, NSGA-III
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


@pytest.mark.parametrize("kind", ["tpe multivariate", "nsga2", "nsga3"])
def test_what_is_sampled_together_is_sampled_again_if_it_is_known(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several times, so that there are fewer repetitions, though there are still some."""

    def few(trial: optuna.Trial) -> tuple[float, float]:
        a, b, c = (trial.suggest_int(name, 1, 4) for name in "abc")
        return a + b, a - c

    def count(tries: int) -> int:
        monkeypatch.setattr(seeding, "_TRIES", tries)
        study = optuna.create_study(sampler=MAKERS[kind](0), directions=["minimize"] * 2)
        study.optimize(few, n_trials=40)
        return len({tuple(trial.params.values()) for trial in study.trials})

    assert count(1) < count(8)


class _Slow(optuna.samplers.RandomSampler):
    """Lets another thread seed before it draws, where that is not kept from doing so."""

    @property
    def _random_sampler(self) -> BaseSampler:
        return self

    def sample_independent(self, *args: Any) -> Any:
        sleep(0.01)
        return super().sample_independent(*args)


class _SeededSlow(seeding.Seeded, _Slow):
    pass


def test_threads_do_not_draw_from_each_others_streams() -> None:
    def draw(n_jobs: int) -> list[dict[str, Any]]:
        study = optuna.create_study(sampler=copy.deepcopy(_SeededSlow(seed=0)))
        study.optimize(
            lambda trial: sum(trial.suggest_float(name, 0, 1) for name in "abc"),
            n_trials=12,
            n_jobs=n_jobs,
        )
        return [trial.params for trial in study.trials]

    assert draw(4) == draw(1)


def test_are_optunas() -> None:
    assert isinstance(samplers.by_name("tpe"), TPESampler)
    assert isinstance(samplers.by_name("optuna-nsga2"), NSGAIISampler)
    assert isinstance(samplers.by_name("nsga3"), NSGAIIISampler)
