"""No structure is evaluated twice: a repeat takes the values that are there."""

from typing import Any

from optuna.trial import TrialState
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, load_study, objectives, reporting
from optistruct.front import REPEATS

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


def study_of(storage: str = "sqlite:///:memory:", **kwargs: Any) -> StructureStudy:
    kwargs = {"sampler": "random", "cv": 2, **kwargs}
    return StructureStudy(three_trees, BY_BOTH, name="t", storage=storage, **kwargs)


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
