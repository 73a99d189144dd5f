"""No structure is evaluated twice: a repeat takes the values that are there."""

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import current_process
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, load_study, objectives, reporting
from optistruct.exceptions import AllTrialsFailedError
from optistruct.front import REPEATS
from optistruct.outcomes import FAILURE

FITTED: list[int] = []
BY_BOTH = (objectives.Score("accuracy"), objectives.ParameterCount())


class Watched(DecisionTreeClassifier):
    """Notes its fits."""

    def fit(self, X: Any, y: Any) -> Any:
        FITTED.append(self.max_depth)
        return super().fit(X, y)


def three_trees(trial: Any) -> Any:
    """Suggests more than it builds: of three structures, each comes in endless ways."""
    trial.suggest_float("unused", 0, 1)
    return Watched(max_depth=trial.suggest_int("max_depth", 1, 3))


class Failing(Watched):
    """Notes its fits, which fail."""

    def fit(self, X: Any, y: Any) -> Any:
        super().fit(X, y)
        raise ValueError("no luck")


class Deadly(DecisionTreeClassifier):
    """Ends the worker process that fits it."""

    def fit(self, X: Any, y: Any) -> Any:
        assert current_process().name != "MainProcess", "would end the tests themselves"
        os._exit(1)


def always_one(tree: type[DecisionTreeClassifier]) -> Any:
    """Make a space that builds one structure, whatever it is answered."""

    def space(trial: Any) -> Any:
        trial.suggest_float("unused", 0, 1)
        return tree(max_depth=2)

    return space


def study_of(
    storage: Any = "sqlite:///:memory:", space: Any = three_trees, **kwargs: Any
) -> StructureStudy:
    kwargs = {"sampler": "random", "cv": 2, **kwargs}
    return StructureStudy(space, BY_BOTH, name="t", storage=storage, **kwargs)


def test_a_repeat_is_not_fitted_and_has_the_same_values(binary: Any) -> None:
    FITTED.clear()
    study = study_of()
    study.optimize(*binary, n_trials=12)
    trials = study.optuna_study.trials
    repeats = [trial for trial in trials if REPEATS in trial.user_attrs]
    assert len(FITTED) == 2 * 3
    assert len(repeats) == 12 - 3
    for repeat in repeats:
        first = trials[repeat.user_attrs[REPEATS]]
        assert first.number < repeat.number
        assert (repeat.state, repeat.values) == (TrialState.COMPLETE, first.values)
        assert repeat.params["max_depth"] == first.params["max_depth"]
        assert REPEATS not in first.user_attrs


def test_a_resumed_study_knows_what_was_evaluated(binary: Any, tmp_path: Any) -> None:
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    study_of(storage).optimize(*binary, n_trials=12)
    FITTED.clear()
    study_of(storage).optimize(*binary, n_trials=20)
    assert FITTED == []


def test_the_front_and_the_report_count_a_structure_once(binary: Any, tmp_path: Any) -> None:
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    study_of(storage).optimize(*binary, n_trials=12)
    study = load_study("t", storage, space=three_trees)
    front = study.front()
    assert len({c.parameters["max_depth"] for c in front}) == len(front)
    assert len(front) + len(front.dominated) == 3
    assert "9 repeated" in reporting.summarize(study).trials


def test_a_structure_under_way_is_waited_for(binary: Any) -> None:
    FITTED.clear()
    study = study_of(space=always_one(Watched))
    with ThreadPoolExecutor(4) as executor:
        study.optimize(*binary, n_trials=8, n_jobs=4, executor=executor)
    trials = study.optuna_study.trials
    assert len(FITTED) == 2
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 8
    assert [trial.user_attrs.get(REPEATS) for trial in trials] == [None, *[0] * 7]
    assert {tuple(trial.values) for trial in trials} == {tuple(trials[0].values)}


def test_no_more_trials_wait_than_there_are_workers(binary: Any) -> None:
    """Else a sampler that repeats itself would use up all of them before it learns anything."""
    waiting: list[int] = []

    def count(study: StructureStudy, _: Any) -> None:
        states = [trial.state for trial in study.optuna_study.trials]
        waiting.append(states.count(TrialState.RUNNING))

    study = study_of(space=always_one(Watched))
    with ThreadPoolExecutor(3) as executor:
        study.optimize(*binary, n_trials=20, n_jobs=3, executor=executor, callbacks=[count])
    assert max(waiting) == 3


def test_what_waited_fails_with_what_it_waited_for(binary: Any) -> None:
    FITTED.clear()
    study = study_of(space=always_one(Failing))
    with ThreadPoolExecutor(4) as executor, pytest.raises(AllTrialsFailedError):
        study.optimize(*binary, n_trials=4, n_jobs=4, executor=executor)
    assert len(FITTED) == 1
    trials = study.optuna_study.trials
    assert [trial.state for trial in trials] == [TrialState.FAIL] * 4
    assert {trial.user_attrs[FAILURE] for trial in trials} == {"ValueError: no luck"}


@pytest.mark.slow
def test_what_waited_for_one_that_ends_its_worker_is_given_up_with_it(binary: Any) -> None:
    study = study_of(space=always_one(Deadly))
    with pytest.raises(AllTrialsFailedError, match="all 3 trials failed"):
        study.optimize(*binary, n_trials=3, n_jobs=2)
    reasons = {trial.user_attrs[FAILURE] for trial in study.optuna_study.trials}
    assert reasons == {"the process died 3 times in this trial (out of memory?)"}


def test_what_waited_when_the_run_was_stopped_is_taken_up_again(binary: Any) -> None:
    storage = optuna.storages.InMemoryStorage()
    study = study_of(storage, always_one(Watched))

    def stop(_: StructureStudy, progress: Any) -> None:
        if progress.done == 1:
            raise RuntimeError("enough")

    with ThreadPoolExecutor(4) as executor, pytest.raises(RuntimeError, match="enough"):
        study.optimize(*binary, n_trials=4, n_jobs=4, executor=executor, callbacks=[stop])
    states = [trial.state for trial in study.optuna_study.trials]
    assert states == [TrialState.COMPLETE, *[TrialState.RUNNING] * 3]

    FITTED.clear()
    study_of(storage, always_one(Watched)).optimize(*binary, n_trials=4)
    trials = study.optuna_study.trials
    assert FITTED == []
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert [trial.user_attrs.get(REPEATS) for trial in trials] == [None, 0, 0, 0]
