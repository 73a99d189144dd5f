"""Starting well: what is enqueued comes first, then a space's own first structures."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, load_study, objectives, spaces
from optistruct.exceptions import ArgumentError

BY_BOTH = (objectives.Score("accuracy"), objectives.ParameterCount())


@spaces.starting_with({"max_depth": 1}, {"max_depth": 5, "ccp_alpha": 1e-3})
def trees(trial: Any) -> Any:
    return DecisionTreeClassifier(
        max_depth=trial.suggest_int("max_depth", 1, 9),
        ccp_alpha=trial.suggest_float("ccp_alpha", 1e-4, 1e-1, log=True),
    )


@spaces.starting_with({"depth": 1})
def misnamed(trial: Any) -> Any:
    """Its first structure names a parameter that it does not ask for."""
    return trees(trial)


def study_of(storage: Any = "sqlite:///:memory:", **kwargs: Any) -> StructureStudy:
    return StructureStudy(trees, BY_BOTH, name="t", storage=storage, cv=2, **kwargs)


def depths(study: StructureStudy) -> list[int]:
    return [trial.params["max_depth"] for trial in study.optuna_study.trials]


def test_a_new_study_begins_with_the_starts_of_its_space(binary: Any) -> None:
    study = study_of()
    study.optimize(*binary, n_trials=4)
    assert depths(study)[:2] == [1, 5]
    assert study.optuna_study.trials[1].params["ccp_alpha"] == 1e-3


def test_without_defaults_it_does_not(binary: Any) -> None:
    study = study_of(defaults=False, sampler="random")
    study.optimize(*binary, n_trials=4)
    assert depths(study)[:2] != [1, 5]


def test_starts_that_a_kill_left_out_are_enqueued_by_the_next_run(
    binary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    enqueue = optuna.Study.enqueue_trial

    def enqueue_and_die(study: Any, *args: Any, **kwargs: Any) -> None:
        enqueue(study, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(optuna.Study, "enqueue_trial", enqueue_and_die)
    with pytest.raises(KeyboardInterrupt):
        study_of(storage).optimize(*binary, n_trials=4)
    monkeypatch.undo()
    study = study_of(storage)
    assert len(study.optuna_study.trials) == 1
    study.optimize(*binary, n_trials=4)
    assert depths(study)[:2] == [1, 5]
    assert [t.params["ccp_alpha"] for t in study.optuna_study.trials].count(1e-3) == 1


def test_a_loaded_study_adds_no_starts(binary: Any, tmp_path: Path) -> None:
    """It may have been begun without, and stopped before its first trial."""
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    begun = study_of(storage, defaults=False, sampler="random")
    begun.optimize(*binary, n_trials=4, timeout=1e-9)
    assert depths(begun) == []
    loaded = load_study("t", storage, space=trees)
    loaded.optimize(*binary, n_trials=4)
    whole = study_of(defaults=False, sampler="random")
    whole.optimize(*binary, n_trials=4)
    assert depths(loaded) == depths(whole)


def test_unusable_starts_are_refused_before_anything_is_written(
    binary: Any, tmp_path: Path
) -> None:
    database = tmp_path / "studies.db"
    study = StructureStudy(misnamed, BY_BOTH, name="t", storage=f"sqlite:///{database}")
    with pytest.raises(ArgumentError, match=r"depth.*max_depth"):
        study.optimize(*binary, n_trials=3)
    assert not database.exists()


def test_what_is_enqueued_comes_first(binary: Any) -> None:
    study = study_of()
    study.enqueue({"max_depth": 7}, {"max_depth": 8, "ccp_alpha": 0.01})
    study.optimize(*binary, n_trials=4)
    assert depths(study) == [7, 8, 1, 5]


def test_what_is_enqueued_is_what_is_recorded(binary: Any) -> None:
    """1 of 4 features is another structure than 1.0, all of them."""
    seen = []

    def space(trial: Any) -> Any:
        seen.append(trial.suggest_float("max_features", 0.1, 1.0))
        return DecisionTreeClassifier(max_features=seen[-1])

    storage = optuna.storages.InMemoryStorage()
    study = StructureStudy(space, BY_BOTH, name="t", storage=storage, cv=2)
    study.enqueue({"max_features": 1})
    study.optimize(*binary, n_trials=1)
    assert [type(value) for value in seen] == [float] * len(seen)
    assert study.optuna_study.trials[0].params == {"max_features": 1.0}


def test_a_script_may_enqueue_at_every_run(binary: Any, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    for n_trials in (3, 6):
        study = study_of(storage)
        study.enqueue({"max_depth": 7, "ccp_alpha": 0.05})
        study.optimize(*binary, n_trials=n_trials)
    fixed = [t for t in study.optuna_study.trials if t.params.get("ccp_alpha") == 0.05]
    assert [trial.number for trial in fixed] == [0]


def test_something_new_can_be_enqueued_when_a_study_goes_on(binary: Any, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    study_of(storage).optimize(*binary, n_trials=3)
    study = study_of(storage)
    study.enqueue({"max_depth": 6, "ccp_alpha": 0.07})
    study.optimize(*binary, n_trials=4)
    assert study.optuna_study.trials[3].params == {"max_depth": 6, "ccp_alpha": 0.07}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"depth": 3}, r"depth.*max_depth"),
        ({"max_depth": 10}, r"max_depth.*1.*9.*10"),
        ({"max_depth": "deep"}, r"max_depth.*'deep'"),
    ],
)
def test_unusable_parameters_are_refused_before_anything_is_written(
    params: Any, message: str, binary: Any, tmp_path: Path
) -> None:
    database = tmp_path / "studies.db"
    study = study_of(f"sqlite:///{database}")
    study.enqueue(params)
    with pytest.raises(ArgumentError, match=message):
        study.optimize(*binary, n_trials=3)
    assert not database.exists()


@pytest.mark.parametrize("params", [3, "max_depth", {1: 2}])
def test_enqueue_takes_mappings_of_names(params: Any) -> None:
    with pytest.raises(ArgumentError, match="enqueue takes parameters as mappings"):
        study_of().enqueue(params)
