"""The quicker TPE proposes what Optuna's does."""

from typing import Any

import optuna
import pytest
from optuna.samplers import TPESampler

from optistruct.samplers.seeding import Seeded
from optistruct.samplers.tpe import SeededTPE


class Slow(Seeded, TPESampler):
    """Optuna's own, from the same random streams."""


pytestmark = pytest.mark.filterwarnings(
    "ignore::optuna.exceptions.ExperimentalWarning"  # multivariate TPE
)

KINDS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "joint": {"multivariate": True},
    "joint by groups": {"multivariate": True, "group": True},
    "running trials ignored": {"constant_liar": False},
}


def suggest(trial: optuna.Trial) -> list[float]:
    """Every kind of parameter, some of which are there only now and then."""
    x = trial.suggest_float("x", 0, 1)
    step = trial.suggest_float("step", 0, 1, step=0.125)
    rate = trial.suggest_float("rate", 1e-6, 1, log=True)
    if trial.suggest_categorical("kind", ["plain", "more", None]) == "plain":
        return [x + rate, 1 - x + step, abs(step - 0.5)]
    n = trial.suggest_int("n", 1, 400, log=True) / 400
    return [x + n, (1 - x) / trial.suggest_int("m", 2, 9), step + n]


def proposals(
    sampler: optuna.samplers.BaseSampler, n_objectives: int, at_once: int
) -> list[dict[str, Any]]:
    study = optuna.create_study(directions=["minimize"] * n_objectives, sampler=sampler)
    for _ in range(0, 48, at_once):
        asked = [study.ask() for _ in range(at_once)]
        values = [suggest(trial) for trial in asked]
        for trial, losses in zip(asked, values, strict=True):
            trial.set_constraint("x", losses[0] - 0.8)
            if trial.number % 7 == 3:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            elif trial.number % 7 == 5:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, losses[:n_objectives])
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("n_objectives", [1, 2, 3])
@pytest.mark.parametrize("kind", list(KINDS))
def test_proposes_what_optunas_does(kind: str, n_objectives: int, at_once: int) -> None:
    quick, slow = (
        proposals(sampler(seed=3, **KINDS[kind]), n_objectives, at_once)
        for sampler in (SeededTPE, Slow)
    )
    assert quick == slow


def test_one_object_serves_several_studies() -> None:
    """In turns, too: what it remembers of one is not taken for the other's."""

    def run(samplers: list[SeededTPE]) -> list[list[dict[str, Any]]]:
        studies = [
            optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
            for sampler in samplers
        ]
        for _ in range(25):
            for sign, study in zip((1, -1), studies, strict=True):
                trial = study.ask()
                study.tell(trial, [sign * value for value in suggest(trial)[:2]])
        return [[trial.params for trial in study.trials] for study in studies]

    assert run([SeededTPE(seed=0)] * 2) == run([SeededTPE(seed=0), SeededTPE(seed=0)])
