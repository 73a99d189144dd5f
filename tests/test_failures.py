"""What a structure's own code does wrong fails its trial, and nothing else."""

from typing import Any

import optuna
import pytest
from lightgbm import LGBMClassifier
from optuna.trial import TrialState
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.objectives import ParameterCount, Score
from optistruct.outcomes import FAILURE

DEATHS = "optistruct:deaths"


class Odd(Exception):
    """Cannot be read again once it was pickled."""

    def __init__(self, depth: int, why: str) -> None:
        super().__init__(f"depth {depth}: {why}")


class Picky(DecisionTreeClassifier):
    def fit(self, X: Any, y: Any) -> Any:
        if self.max_depth == 2:
            raise Odd(2, "no")
        return super().fit(X, y)


class Stopped(DecisionTreeClassifier):
    def fit(self, X: Any, y: Any) -> Any:
        raise KeyboardInterrupt


def study_of(model: type, **kwargs: Any) -> StructureStudy:
    def space(trial: Any) -> Any:
        return model(max_depth=trial.suggest_int("max_depth", 1, 6))

    settings = {"storage": optuna.storages.InMemoryStorage(), "sampler": "grid", "cv": 2}
    objectives = [Score("accuracy"), ParameterCount()]
    return StructureStudy(space, objectives, name="t", **{**settings, **kwargs})


def test_a_setting_that_is_no_number_fails_its_trial_only(binary: Any) -> None:
    """It is compared with numbers before anything is fitted."""

    def space(trial: Any) -> Any:
        often = trial.suggest_categorical("often", ["x", None, 1])
        return LGBMClassifier(n_estimators=4, subsample_freq=often, n_jobs=1, verbose=-1)

    study = StructureStudy(
        *(space, [Score("accuracy"), ParameterCount()]),
        **{"name": "t", "storage": optuna.storages.InMemoryStorage(), "sampler": "grid", "cv": 2},
    )
    study.optimize(*binary, n_trials=3)
    states = {t.params["often"]: t.state for t in study.optuna_study.trials}
    complete, failed = TrialState.COMPLETE, TrialState.FAIL
    assert states == {"x": failed, None: complete, 1: complete}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_of_whatever_class_it_is(n_jobs: int, binary: Any) -> None:
    study = study_of(Picky)
    assert study.optimize(*binary, n_trials=6, n_jobs=n_jobs) in ("n_trials", "exhausted")
    failed = {
        trial.params["max_depth"]: trial.user_attrs[FAILURE]
        for trial in study.optuna_study.get_trials(states=[TrialState.FAIL])
    }
    assert failed == {2: "Odd: depth 2: no"}
    complete = study.optuna_study.get_trials(states=[TrialState.COMPLETE])
    assert sorted(trial.params["max_depth"] for trial in complete) == [1, 3, 4, 5, 6]


def test_being_stopped_neither_adds_to_the_deaths_nor_forgets_them(binary: Any) -> None:
    study = study_of(Stopped)
    with pytest.raises(KeyboardInterrupt):
        study.optimize(*binary, n_trials=2)
    [begun] = study.optuna_study.trials
    assert begun.user_attrs[DEATHS] == -1  # none, when it goes on
    study.optuna_study.ask()  # another one, that a kill left
    study.optuna_study._storage.set_trial_user_attr(begun._trial_id, DEATHS, 0)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            study.optimize(*binary, n_trials=2)
        deaths = [trial.user_attrs.get(DEATHS) for trial in study.optuna_study.trials]
        assert deaths == [0, None]


def test_a_study_in_memory_goes_on(binary: Any) -> None:
    study = study_of(DecisionTreeClassifier, storage="sqlite:///:memory:")
    study.optimize(*binary, n_trials=2)
    first = study.optuna_study.trials
    study.optimize(*binary, n_trials=4)
    assert [trial.params for trial in study.optuna_study.trials[:2]] == [t.params for t in first]
    assert len(study.optuna_study.trials) == 4
