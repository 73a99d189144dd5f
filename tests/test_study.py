"""A study: it searches, counts, refuses, survives failures, and resumes as if never stopped."""

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from multiprocessing import current_process
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from joblib.externals.loky import reusable_executor
from optuna.trial import TrialState
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct import StructureStudy, load_study, spaces
from optistruct.exceptions import (
    AllTrialsFailedError,
    ArgumentError,
    DataError,
    RecipeError,
    SpaceError,
    StorageError,
    StudyMismatchError,
    StudyNotFoundError,
    StudyRunningError,
    UnknownNameError,
)
from optistruct.objectives import InferenceTime, Objective, ParameterCount, Score
from optistruct.samplers import SeededNSGAII
from optistruct.search import SearchProgress
from optistruct.spec import StudySpec

FAILURE = "optistruct:failure"
BY_BOTH = (Score("accuracy"), ParameterCount())


def tree(trial: Any) -> Any:
    return DecisionTreeClassifier(
        max_depth=trial.suggest_int("max_depth", 1, 6),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 9),
    )


def wider_tree(trial: Any) -> Any:
    """Differs from `tree` in the range of one parameter."""
    return DecisionTreeClassifier(
        max_depth=trial.suggest_int("max_depth", 1, 7),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 9),
    )


def conditional(trial: Any) -> Any:
    """A parameter that is only there in one branch."""
    if trial.suggest_categorical("kind", ["shallow", "deep"]) == "shallow":
        return DecisionTreeClassifier(max_depth=1)
    return DecisionTreeClassifier(
        max_depth=trial.suggest_int("max_depth", 2, 6),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 30),
        ccp_alpha=trial.suggest_float("ccp_alpha", 1e-4, 1e-1, log=True),
    )


class Purged(KFold):
    """Does not train on the last rows, and does not tell on how many."""

    def __init__(self, gap: int) -> None:
        super().__init__(3)
        self.gap = gap

    def __repr__(self) -> str:
        return "Purged()"

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        for train, test in super().split(X, y, groups):
            yield train[: -self.gap], test


class MyTree(DecisionTreeClassifier):
    """An estimator of the user's own, defined in the same module as the space."""


def my_tree(trial: Any) -> Any:
    return MyTree(max_depth=trial.suggest_int("max_depth", 1, 6))


class Picky(DecisionTreeClassifier):
    """Cannot be fitted with an odd depth."""

    def fit(self, X: Any, y: Any) -> "Picky":
        if self.max_depth % 2:
            raise ValueError(f"depth {self.max_depth} is odd")
        return super().fit(X, y)


def picky(trial: Any) -> Any:
    return Picky(max_depth=trial.suggest_int("max_depth", 1, 6))


def always_odd(trial: Any) -> Any:
    return Picky(max_depth=trial.suggest_int("half", 0, 40) * 2 + 1)


def picky_in_one_branch(trial: Any) -> Any:
    """The space itself fails for some parameters."""
    depth = trial.suggest_int("max_depth", 1, 6)
    if depth > 3:
        raise KeyError("no such depth")
    return DecisionTreeClassifier(max_depth=depth)


def prunes(trial: Any) -> Any:
    depth = trial.suggest_int("max_depth", 1, 6)
    if depth > 3:
        raise optuna.TrialPruned
    return DecisionTreeClassifier(max_depth=depth)


class Deadly(DecisionTreeClassifier):
    """Ends the worker process that fits it with depth 1, as a lack of memory would."""

    def fit(self, X: Any, y: Any) -> "Deadly":
        if self.max_depth == 1:
            assert current_process().name != "MainProcess", "would end the tests themselves"
            os._exit(1)
        return super().fit(X, y)


class Beside(DecisionTreeClassifier):
    """Depth 1 ends its worker, three times; depth 2 is at work until those deaths are over."""

    def __init__(self, folder: str = "", max_depth: int = 2) -> None:
        super().__init__(max_depth=max_depth)
        self.folder = folder

    def fit(self, X: Any, y: Any) -> "Beside":
        assert current_process().name != "MainProcess", "would end the tests themselves"
        deaths = Path(self.folder) / "deaths"
        if self.max_depth == 1:
            with deaths.open("a") as file:
                file.write("x")
            os._exit(1)
        if not deaths.exists() or len(deaths.read_text()) < 3:
            time.sleep(5)  # until its worker is ended, as all are when one has died
        return super().fit(X, y)


def deadly_at_first(trial: Any) -> Any:
    """The first structure ends its worker; the second is proposed when that has been noticed."""
    number = getattr(trial, "number", 1)
    trial.suggest_int("number", 0, 99)
    if number == 1 and isinstance(trial, optuna.Trial) and trial.study.study_name == "t":
        _wait_until(lambda: _pool()._flags.broken is not None)
    return Deadly(max_depth=1 if number == 0 else 2)


def _open_with(study: StructureStudy, data: tuple[Any, Any], points: list[dict[str, Any]]) -> None:
    """Make the study in its database, with no trial, and say which structures come first."""
    with pytest.raises(KeyboardInterrupt):
        study.optimize(*data, n_trials=1, callbacks=[_interrupt])
    for point in points:
        study.optuna_study.enqueue_trial(point)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _pool() -> Any:
    return reusable_executor._executor


def _wait_until(is_true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def make(url: str) -> Callable[..., StructureStudy]:
    """Make the study "t" of trees, in one SQLite file; any argument may be another one."""

    def maker(space: Any = tree, objectives: Any = BY_BOTH, **kwargs: Any) -> StructureStudy:
        return StructureStudy(space, objectives, **{"name": "t", "storage": url, "cv": 3} | kwargs)

    return maker


@pytest.fixture
def in_memory() -> Callable[..., StructureStudy]:
    """Make a study in memory, each its own."""

    def maker(space: Any = tree, objectives: Any = BY_BOTH, **kwargs: Any) -> StructureStudy:
        defaults = {"name": "t", "storage": optuna.storages.InMemoryStorage(), "cv": 3}
        return StructureStudy(space, objectives, **defaults | kwargs)

    return maker


def records(study: StructureStudy) -> list[tuple[Any, ...]]:
    """Everything of the trials that a resumed run must have in common with an uninterrupted one."""
    return [
        (trial.number, trial.state, trial.params, trial.values)
        for trial in study.optuna_study.get_trials(deepcopy=False)
    ]


def states(study: StructureStudy) -> list[TrialState]:
    return [trial.state for trial in study.optuna_study.get_trials(deepcopy=False)]


def reasons(study: StructureStudy) -> list[str | None]:
    """Why each trial failed; None where it did not."""
    return [t.user_attrs.get(FAILURE) for t in study.optuna_study.get_trials(deepcopy=False)]


class TestCounting:
    def test_n_trials_is_the_total(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        make().optimize(*binary, n_trials=4)
        first = records(make())
        assert len(first) == 4

        make().optimize(*binary, n_trials=4)
        make().optimize(*binary, n_trials=2)
        assert records(make()) == first

        make().optimize(*binary, n_trials=6)
        assert len(records(make())) == 6
        assert records(make())[:4] == first

    def test_one_object_goes_on_too(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory()
        study.optimize(*binary, n_trials=2)
        study.optimize(*binary, n_trials=5)
        assert len(records(study)) == 5

    def test_time_that_is_up_begins_no_trial(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory()
        study.optimize(*binary, n_trials=500, timeout=1e-9)
        assert records(study) == []

        study.optimize(*binary, n_trials=2, timeout=3600)
        assert len(records(study)) == 2

    def test_enqueued_trials_come_first(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory()
        study.optimize(*binary, n_trials=1)
        study.optuna_study.enqueue_trial({"max_depth": 5, "min_samples_leaf": 8})
        study.optimize(*binary, n_trials=3)
        assert len(records(study)) == 3
        assert records(study)[1][2] == {"max_depth": 5, "min_samples_leaf": 8}

    def test_progress(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory()
        seen: list[tuple[Any, SearchProgress]] = []

        def note(told: StructureStudy, progress: SearchProgress) -> None:
            seen.append((told, progress))

        study.optimize(*binary, n_trials=3, callbacks=[note])
        assert all(told is study for told, _ in seen)
        assert [progress.done for _, progress in seen] == [0, 1, 2, 3, 3]
        assert [progress.ending for _, progress in seen] == [None] * 4 + ["n_trials"]
        assert {progress.n_trials for _, progress in seen} == {3}
        lefts = [progress.seconds_left for _, progress in seen]
        assert lefts[0] is None
        assert all(left is not None and left >= 0 for left in lefts[1:])
        assert lefts[-1] == 0

        seen.clear()
        study.optimize(*binary, n_trials=5, callbacks=[note])
        assert [progress.done for _, progress in seen] == [3, 4, 5, 5]
        assert seen[0][1].seconds_left is None


class TestBadArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"space": "tree"}, r"space must be a function \(trial\) -> estimator, got 'tree'"),
            ({"objectives": []}, "objectives must hold at least one objective"),
            ({"objectives": ["accuracy"]}, "objectives must be made by optistruct.objectives"),
            ({"name": " "}, "name must be a text that is not empty"),
            ({"name": "a\udcff"}, r"name must be a text that is not empty, got 'a\\udcff'"),
            ({"seed": -1}, r"seed must be a whole number from 0 to 2\*\*32 - 1, got -1"),
            ({"seed": 0.5}, "seed must be a whole number"),
            ({"sampler": "nsga"}, "unknown sampler 'nsga'; known, nearest first: nsga2, nsga3, "),
        ],
    )
    def test_of_the_study(
        self, make: Callable[..., StructureStudy], arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ArgumentError, match=message):
            make(**arguments)

    def test_constructor_writes_nothing(
        self, make: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        make()
        assert list(tmp_path.iterdir()) == []

    def test_nothing_to_read_before_optimize(self, make: Callable[..., StructureStudy]) -> None:
        with pytest.raises(StorageError, match=r"there is no database .*studies\.db"):
            make().front()

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"n_trials": 0}, ArgumentError, "n_trials must be 1 or more, got 0"),
            ({"n_trials": True}, ArgumentError, "n_trials must be 1 or more, got True"),
            ({"n_trials": 2.0}, ArgumentError, r"n_trials must be 1 or more, got 2\.0"),
            ({"timeout": 0}, ArgumentError, "timeout must be a number of seconds above 0, got 0"),
            ({"n_jobs": 0}, ArgumentError, "n_jobs must be 1 or more, or -1"),
            ({"task": "ranking"}, ArgumentError, "task must be 'binary', 'multiclass' or"),
            ({"X": np.empty((0, 4)), "y": []}, DataError, "X is empty: 0 rows, 4 columns"),
            ({"y": np.ones(90)}, DataError, "the target has one value only"),
            ({"y": np.full(90, np.nan)}, DataError, "the target has 90 missing values"),
            ({"y": np.arange(7) % 2}, DataError, "X has 90 rows, y has 7"),
            ({"X": np.eye(2), "y": [0, 1]}, DataError, "cv=3 folds need at least 3 rows, X has 2"),
        ],
    )
    def test_of_optimize_write_nothing(
        self,
        make: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
        tmp_path: Path,
        arguments: dict[str, Any],
        error: type[Exception],
        message: str,
    ) -> None:
        given = {"X": binary[0], "y": binary[1], "n_trials": 2} | arguments
        with pytest.raises(error, match=message):
            make().optimize(**given)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("scoring", ["r2_of_nothing", "acuracy"])
    def test_unknown_scorer(self, scoring: str) -> None:
        with pytest.raises(UnknownNameError, match=f"unknown scorer '{scoring}'; known, nearest"):
            Score(scoring)

    def test_scorer_that_does_not_fit_the_target(
        self, make: Callable[..., StructureStudy], regression: tuple[Any, Any], tmp_path: Path
    ) -> None:
        with pytest.raises(
            ArgumentError, match="the scorer 'accuracy' does not fit a regression target"
        ):
            make().optimize(*regression, n_trials=2)
        assert list(tmp_path.iterdir()) == []

    def test_numeric_score_of_text_classes(
        self, make: Callable[..., StructureStudy], multiclass: tuple[Any, Any], tmp_path: Path
    ) -> None:
        with pytest.raises(ArgumentError, match="the scorer 'r2' does not fit a multiclass target"):
            make(objectives=[Score("r2")]).optimize(*multiclass, n_trials=2)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("space", "message"),
        [
            (lambda trial: "a tree", "must return an unfitted scikit-learn estimator, got 'a tree"),
            (lambda trial, more: None, r"must take \(trial\) or \(trial, problem\), got \(trial, "),
            (lambda trial: trial.suggest_int("a", 5, 1), "fails at every trial: ValueError"),
        ],
        ids=["no estimator", "signature", "always fails"],
    )
    def test_space_that_does_not_do_its_part(
        self,
        make: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
        tmp_path: Path,
        space: Any,
        message: str,
    ) -> None:
        with pytest.raises(SpaceError, match=message):
            make(space).optimize(*binary, n_trials=2)
        assert list(tmp_path.iterdir()) == []


class TestRefusedResume:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"objectives": (Score("f1"), ParameterCount())},
                r"other objectives: Score\(scoring='accuracy'\), ParameterCount\(\) then, "
                r"Score\(scoring='f1'\), ParameterCount\(\) now",
            ),
            ({"objectives": (Score("accuracy"),)}, r"other objectives: .* then, Score\(scor"),
            (
                {"objectives": BY_BOTH[::-1]},
                r"other objectives: .* now",
            ),
            (
                {"objectives": (Score("accuracy"), ParameterCount(at_most=50))},
                r"ParameterCount\(\) then, .*ParameterCount\(at_most=50\) now",
            ),
            (
                {"space": spaces.decision_tree},
                "another space: parameter 'max_leaf_nodes' is new; parameter 'max_depth' was 1 to "
                "6, is 1 to 24",
            ),
            ({"space": my_tree}, "another space: parameter 'min_samples_leaf' is gone"),
            ({"space": wider_tree}, "another space: parameter 'max_depth' was 1 to 6, is 1 to 7"),
            ({"cv": 4}, "other folds: cv=3 then, cv=4 now"),
            (
                {"cv": StratifiedKFold(3, shuffle=True, random_state=1)},
                r"other folds: cv=3 then, cv=StratifiedKFold\(n_splits=3, .*random_state=1.* now",
            ),
            ({"seed": 1}, "another seed: 0 then, 1 now"),
        ],
        ids=[
            "objective", "fewer objectives", "order of objectives", "limit", "space",
            "missing parameter", "range", "folds", "splitter", "seed",
        ],
    )  # fmt: skip
    def test_with_other_arguments(
        self,
        make: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
        arguments: dict[str, Any],
        message: str,
    ) -> None:
        make().optimize(*binary, n_trials=2)
        before, spec = records(make()), make().spec
        with pytest.raises(
            StudyMismatchError, match=f"(?s)'t' was made with something .*{message}"
        ):
            make(**arguments).optimize(*binary, n_trials=4)
        assert records(make()) == before
        assert make().spec == spec

        make().optimize(*binary, n_trials=3)  # what it was made with still goes on
        assert len(records(make())) == 3

    def test_says_everything_that_differs_and_what_to_do(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        make().optimize(*binary, n_trials=1)
        with pytest.raises(StudyMismatchError) as refusal:
            make(wider_tree, [Score("f1")], seed=3).optimize(*binary, n_trials=2)
        told = str(refusal.value)
        assert "another seed" in told
        assert "other objectives" in told
        assert "another space" in told
        assert "Go on with what it was made with, or give the new study another name." in told

    def test_same_parameters_other_structures(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        def space(trial: Any) -> Any:
            return tree(trial).set_params(criterion="entropy")

        make().optimize(*binary, n_trials=1)
        with pytest.raises(StudyMismatchError, match="the same parameters build other structures"):
            make(space).optimize(*binary, n_trials=2)

    @pytest.mark.parametrize("kind", ["a value", "a row", "a column"])
    def test_with_other_data(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], kind: str
    ) -> None:
        X, y = binary
        make().optimize(X, y, n_trials=2)
        before = records(make())
        message = "other data: 90 rows of 4 columns then, "
        if kind == "a value":
            other = X.copy()
            other[0, 0] += 1e-9
            message += r"90 of 4 now \(the values, names or types differ\)"
        elif kind == "a row":
            other, y = X[1:], y[1:]
            message += "89 of 4 now"
        else:
            other = X[:, 1:]
            message += "90 of 3 now"
        with pytest.raises(StudyMismatchError, match=message):
            make().optimize(other, y, n_trials=4)
        assert records(make()) == before

    def test_with_another_target(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        X, y = binary
        make().optimize(X, y, n_trials=1)
        message = r"other data: .*the values, names or types differ"
        with pytest.raises(StudyMismatchError, match=message):
            make().optimize(X, 1 - y, n_trials=2)

    def test_with_other_groups(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = make(cv=GroupKFold(3))
        study.optimize(*binary, n_trials=1, groups=np.arange(90) % 6)
        with pytest.raises(StudyMismatchError, match=r"other folds: .*\(the rows differ\)"):
            study.optimize(*binary, n_trials=2, groups=np.arange(90) // 15)

    def test_with_other_training_rows(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        make(cv=Purged(5)).optimize(*binary, n_trials=1)
        with pytest.raises(StudyMismatchError, match=r"other folds: .*\(the rows differ\)"):
            make(cv=Purged(9)).optimize(*binary, n_trials=2)

    def test_a_study_that_optistruct_did_not_make(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        plain = optuna.create_study(study_name="t", storage=url)
        with pytest.raises(StudyMismatchError, match="'t' was not made by optistruct"):
            make().optimize(*binary, n_trials=2)
        assert plain.trials == []

    def test_another_sampler_is_welcome(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        make().optimize(*binary, n_trials=2)
        make(sampler="nsga2").optimize(*binary, n_trials=3)
        assert len(records(make())) == 3
        assert make().spec.sampler == "nsga2"


class TestFailures:
    def test_are_recorded_with_their_reason(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = make(picky)
        study.optimize(*binary, n_trials=8)
        trials = study.optuna_study.get_trials(deepcopy=False)
        failed = [trial for trial in trials if trial.params["max_depth"] % 2]
        assert 0 < len(failed) < 8
        for trial in trials:
            is_odd = bool(trial.params["max_depth"] % 2)
            assert trial.state == (TrialState.FAIL if is_odd else TrialState.COMPLETE)
            reason = f"ValueError: depth {trial.params['max_depth']} is odd" if is_odd else None
            assert trial.user_attrs.get(FAILURE) == reason
        assert {c.trial for c in study.front()} <= {t.number for t in trials if t not in failed}

    def test_in_the_space_are_recorded_too(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory(picky_in_one_branch)
        study.optimize(*binary, n_trials=6)
        for trial in study.optuna_study.get_trials(deepcopy=False):
            is_bad = trial.params["max_depth"] > 3
            assert trial.state == (TrialState.FAIL if is_bad else TrialState.COMPLETE)
            assert trial.user_attrs.get(FAILURE) == (
                "KeyError: 'no such depth'" if is_bad else None
            )
        assert TrialState.FAIL in states(study)

    def test_first_ten_stop_the_search_with_the_reason(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        with pytest.raises(
            AllTrialsFailedError, match=r"all 10 trials failed, .*ValueError: depth \d+ is odd"
        ):
            make(always_odd).optimize(*binary, n_trials=30)
        assert states(make()) == [TrialState.FAIL] * 10

    def test_all_of_fewer_than_ten_stop_it_too(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory(always_odd)
        with pytest.raises(AllTrialsFailedError, match=r"all 3 trials failed, .* is odd"):
            study.optimize(*binary, n_trials=3)
        assert states(study) == [TrialState.FAIL] * 3

    def test_ten_after_a_success_do_not_stop_it(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory(picky)
        study.optimize(*binary, n_trials=4)
        assert TrialState.COMPLETE in states(study)
        for _ in range(12):
            study.optuna_study.enqueue_trial({"max_depth": 5})
        study.optimize(*binary, n_trials=16)
        assert states(study)[4:16] == [TrialState.FAIL] * 12

    def test_value_that_is_no_number(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        def not_a_number(estimator: Any, X: Any, y: Any) -> float:
            return float("nan") if estimator.max_depth > 3 else 0.5

        study = in_memory(objectives=[Score(not_a_number), ParameterCount()])
        study.optimize(*binary, n_trials=6)
        reasons = {
            trial.user_attrs.get(FAILURE)
            for trial in study.optuna_study.get_trials(deepcopy=False)
            if trial.params["max_depth"] > 3
        }
        assert reasons == {"ValueError: the objective 'not_a_number' must be a number, got nan"}
        assert TrialState.COMPLETE in states(study)

    def test_pruned_in_the_space(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory(prunes)
        study.optimize(*binary, n_trials=6)
        for trial in study.optuna_study.get_trials(deepcopy=False):
            is_pruned = trial.params["max_depth"] > 3
            assert trial.state == (TrialState.PRUNED if is_pruned else TrialState.COMPLETE)
        assert TrialState.PRUNED in states(study)
        assert len(states(study)) == 6

    def test_interrupts_do_not_count_against_a_trial(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        """A person who stops the search, however often, has found no fault with the structure."""
        times = 4
        stops = iter([KeyboardInterrupt] * times)

        class Stopped(DecisionTreeClassifier):
            def fit(self, X: Any, y: Any) -> "Stopped":
                if (stop := next(stops, None)) is not None:
                    raise stop
                return super().fit(X, y)

            def __sklearn_clone__(self) -> "Stopped":
                return self

        study = in_memory(lambda trial: Stopped(max_depth=trial.suggest_int("max_depth", 1, 6)))
        for _ in range(times):
            with pytest.raises(KeyboardInterrupt):
                study.optimize(*binary, n_trials=2)
            assert states(study) == [TrialState.RUNNING]
        study.optimize(*binary, n_trials=2)
        assert states(study) == [TrialState.COMPLETE] * 2

    def test_a_callback_may_stop_the_search(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        def stop(_: StructureStudy, progress: SearchProgress) -> None:
            if progress.done == 2:
                raise RuntimeError("enough")

        study = in_memory()
        with pytest.raises(RuntimeError, match="enough"):
            study.optimize(*binary, n_trials=5, callbacks=[stop])
        assert states(study) == [TrialState.COMPLETE] * 2
        study.optimize(*binary, n_trials=5)
        assert states(study) == [TrialState.COMPLETE] * 5


class TestManyAtOnce:
    @pytest.mark.slow
    def test_two_jobs_find_what_one_finds(
        self,
        in_memory: Callable[..., StructureStudy],
        make: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
    ) -> None:
        """Space and estimator are this module's own; failures come back with their reason."""
        one, two = in_memory(picky, sampler="random"), make(picky, sampler="random")
        one.optimize(*binary, n_trials=8)
        two.optimize(*binary, n_trials=8, n_jobs=2)
        assert records(two) == records(one)  # random search learns nothing from what is finished
        assert set(states(two)) == {TrialState.COMPLETE, TrialState.FAIL}
        assert reasons(two) == reasons(one)
        for candidate, same in zip(two.front(), one.front(), strict=True):
            assert repr(candidate.build()) == repr(same.build())

    def test_an_executor_of_ones_own(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        seen: set[str] = set()

        def score(estimator: Any, X: Any, y: Any) -> float:
            seen.add(threading.current_thread().name)
            return float(estimator.score(X, y))

        by = [Score(score), ParameterCount()]
        alone, spread = in_memory(objectives=by), in_memory(objectives=by)
        alone.optimize(*binary, n_trials=6)
        seen.clear()
        with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
            spread.optimize(*binary, n_trials=6, executor=executor)
            assert seen
            assert all(name.startswith("mine") for name in seen)
            assert executor.submit(lambda: "still open").result() == "still open"
        assert records(spread) == records(alone)

    def test_n_jobs_says_how_many_run_in_it(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        together = threading.Barrier(2)

        def both_at_once(estimator: Any, X: Any, y: Any) -> float:
            together.wait(timeout=30)  # breaks, and so fails, unless two run at once
            return 0.5

        study = in_memory(objectives=[Score(both_at_once), ParameterCount()], cv=2)
        with ThreadPoolExecutor(2) as executor:
            study.optimize(*binary, n_trials=2, n_jobs=2, executor=executor)
        assert states(study) == [TrialState.COMPLETE] * 2

    @pytest.mark.slow
    def test_a_trial_beside_the_one_that_dies_is_not_blamed(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any], tmp_path: Path
    ) -> None:
        def space(trial: Any) -> Any:
            return Beside(str(tmp_path), trial.suggest_categorical("max_depth", [1, 2]))

        study = in_memory(space, cv=2)
        _open_with(study, binary, [{"max_depth": 1}, {"max_depth": 2}])
        study.optimize(*binary, n_trials=2, n_jobs=2)
        assert states(study) == [TrialState.FAIL, TrialState.COMPLETE]

    @pytest.mark.slow
    def test_a_worker_that_dies_is_a_failure(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        """It dies while the next structure is being made, which then cannot be sent to it."""
        study = in_memory(deadly_at_first)
        study.optimize(*binary, n_trials=4, n_jobs=2)
        assert states(study) == [TrialState.FAIL, *[TrialState.COMPLETE] * 3]
        assert "the process died 3 times in this trial" in str(reasons(study)[0])


class TestLimits:
    def test_become_constraints(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        by = [Score("accuracy", at_least=0.6), ParameterCount(at_most=20)]
        study = make(objectives=by)
        study.optimize(*binary, n_trials=10)
        for trial in study.optuna_study.get_trials(deepcopy=False):
            accuracy, parameters = trial.values
            assert set(trial.constraints) == {"race", "accuracy >= 0.6", "parameters <= 20"}
            assert trial.constraints["accuracy >= 0.6"] == pytest.approx(0.6 - accuracy)
            assert trial.constraints["parameters <= 20"] == pytest.approx(
                np.log10(parameters) - np.log10(20)
            )
        front = study.front()
        assert front.infeasible
        assert len(front) > 0
        for candidate in (*front, *front.dominated):
            assert candidate.values["accuracy"] >= 0.6
            assert candidate.values["parameters"] <= 20
        for candidate in front.infeasible:
            within = candidate.values["accuracy"] >= 0.6 and candidate.values["parameters"] <= 20
            assert not within
        best = {trial.number for trial in study.optuna_study.best_trials}
        assert best == {candidate.trial for candidate in front}

    def test_none_without_limits(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory()
        study.optimize(*binary, n_trials=3)
        trials = study.optuna_study.get_trials(deepcopy=False)
        assert all(trial.constraints == {"race": 0.0} for trial in trials)
        assert study.front().infeasible == ()


class TestSamplers:
    def test_an_instance_of_ones_own(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        class Always(optuna.samplers.RandomSampler):
            def sample_independent(self, study: Any, trial: Any, name: str, d: Any) -> Any:
                return d.high

        study = in_memory(sampler=Always())
        study.optimize(*binary, n_trials=2)
        assert [params for _, _, params, _ in records(study)] == [
            {"max_depth": 6, "min_samples_leaf": 9}
        ] * 2
        assert study.spec.sampler == "Always"

    @pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
    def test_one_seed_is_one_search(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any], sampler: str
    ) -> None:
        searches = []
        for seed in (0, 0, 1):
            study = in_memory(conditional, sampler=sampler, seed=seed)
            study.optimize(*binary, n_trials=13)
            searches.append(records(study))
        assert searches[0] == searches[1]
        assert [r[2] for r in searches[0]] != [r[2] for r in searches[2]]


SAMPLER_MAKERS: dict[str, Callable[[], Any]] = {
    "tpe": lambda: "tpe",
    "nsga2": lambda: SeededNSGAII(seed=0, population_size=5),
}


N_TRIALS = 16


@pytest.fixture(scope="module", params=list(SAMPLER_MAKERS))
def uninterrupted(
    request: pytest.FixtureRequest, binary: tuple[Any, Any]
) -> tuple[str, list[tuple[Any, ...]]]:
    """A sampler's name, and the trials of a study that was never stopped."""
    storage = optuna.storages.InMemoryStorage()
    sampler = SAMPLER_MAKERS[request.param]()
    study = StructureStudy(conditional, BY_BOTH, name="t", storage=storage, sampler=sampler, cv=3)
    study.optimize(*binary, n_trials=N_TRIALS)
    return request.param, records(study)


class TestResumedEqualsUninterrupted:
    @pytest.mark.parametrize("stops", [(5,), (10, 11), (1, 7, 12)], ids=str)
    def test_at_any_place(
        self,
        make: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
        uninterrupted: tuple[str, list[tuple[Any, ...]]],
        stops: tuple[int, ...],
    ) -> None:
        sampler, expected = uninterrupted
        for n_trials in (*stops, N_TRIALS):
            make(conditional, sampler=SAMPLER_MAKERS[sampler]()).optimize(
                *binary, n_trials=n_trials
            )
        assert records(make(conditional)) == expected

    @pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
    def test_through_load_study(
        self,
        make: Callable[..., StructureStudy],
        in_memory: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
        url: str,
        sampler: str,
    ) -> None:
        whole = in_memory(conditional, sampler=sampler, seed=3)
        whole.optimize(*binary, n_trials=13)
        make(conditional, sampler=sampler, seed=3).optimize(*binary, n_trials=6)
        load_study("t", url).optimize(*binary, n_trials=13)
        assert records(load_study("t", url)) == records(whole)

    @pytest.mark.parametrize("sampler", list(SAMPLER_MAKERS))
    def test_stopped_inside_a_trial(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], sampler: str
    ) -> None:
        """The trial that is left half done is taken up, with the parameters that it had."""
        stop_at: set[int] = set()
        fits = 0

        def score(estimator: Any, X: Any, y: Any) -> float:
            nonlocal fits
            fits += 1
            if fits in stop_at:
                raise KeyboardInterrupt
            return float(estimator.score(X, y))

        def study(storage: str) -> StructureStudy:
            return make(
                conditional,
                [Score(score), ParameterCount()],
                sampler=SAMPLER_MAKERS[sampler](),
                storage=storage,
            )

        in_one_go = optuna.storages.InMemoryStorage()
        study(in_one_go).optimize(*binary, n_trials=14)  # type: ignore[arg-type]
        fits, stop_at = 0, {8, 20, 39}  # in the midst of the trials 2, 6 and 11
        url = make().storage
        for _ in stop_at:
            with pytest.raises(KeyboardInterrupt):
                study(url).optimize(*binary, n_trials=14)  # type: ignore[arg-type]
            assert states(study(url))[-1] == TrialState.RUNNING  # type: ignore[arg-type]
        study(url).optimize(*binary, n_trials=14)  # type: ignore[arg-type]
        assert records(study(url)) == records(study(in_one_go))  # type: ignore[arg-type]


class TestOneWriter:
    def test_another_run_is_refused(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        """The claim of a live process, here the one that runs the tests' own parent."""
        make().optimize(*binary, n_trials=1)
        parent = _claim_for_parent(make())
        with pytest.raises(StudyRunningError, match=f"'t' is being run by process {parent}: wait"):
            make().optimize(*binary, n_trials=2)
        assert len(records(make())) == 1

    def test_a_run_that_is_refused_has_written_nothing(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        make().optimize(*binary, n_trials=1)
        _claim_for_parent(make())
        before, spec = records(make()), make().spec
        refused = make(sampler="nsga2")
        refused.enqueue({"max_depth": 2, "min_samples_leaf": 2})
        with pytest.raises(StudyRunningError):
            refused.optimize(*binary, n_trials=3)
        assert records(make()) == before
        assert make().spec == spec

        make().optuna_study.set_user_attr("optistruct:runner", None)  # the other one has ended
        refused.optimize(*binary, n_trials=2)
        assert records(make())[1][2] == {"max_depth": 2, "min_samples_leaf": 2}

    def test_the_claim_is_given_back(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        held = []

        def note(study: StructureStudy, _: SearchProgress) -> None:
            held.append(study.optuna_study.user_attrs["optistruct:runner"]["pid"])

        make().optimize(*binary, n_trials=1, callbacks=[note])
        assert held == [os.getpid()] * 3
        assert make().optuna_study.user_attrs["optistruct:runner"] is None


def _claim_for_parent(study: StructureStudy) -> int:
    """Note in the database that the tests' own parent, a live process, runs the study."""
    parent = os.getppid()
    started = _started(parent)
    if started is None:
        pytest.skip("this system does not tell when a process began")
    study.optuna_study.set_user_attr(
        "optistruct:runner", {"host": socket.gethostname(), "pid": parent, "started": started}
    )
    return parent


def _started(pid: int) -> str | None:
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else None


class TestSpaces:
    def test_a_plain_function_of_the_users(
        self, in_memory: Callable[..., StructureStudy], regression: tuple[Any, Any]
    ) -> None:
        def ridge(trial: optuna.Trial) -> Ridge:
            return Ridge(alpha=trial.suggest_float("alpha", 0.1, 10, log=True))

        study = in_memory(ridge, [Score("r2"), ParameterCount()], cv=KFold(3))
        study.optimize(*regression, n_trials=3)
        assert states(study) == [TrialState.COMPLETE] * 3
        model = study.front().select("best").fit(*regression)
        assert isinstance(model, Ridge)
        assert model.alpha == study.front()[0].parameters["alpha"]

    def test_one_that_asks_for_the_problem(
        self, in_memory: Callable[..., StructureStudy], regression: tuple[Any, Any]
    ) -> None:
        problems = set()

        def asks(trial: Any, problem: spaces.Problem) -> Any:
            problems.add(problem)
            return DecisionTreeRegressor(max_depth=trial.suggest_int("max_depth", 1, 3))

        study = in_memory(asks, [Score("r2"), ParameterCount()], cv=KFold(3))
        study.optimize(*regression, n_trials=2)
        assert problems == {spaces.Problem("regression", rows=90, features=4)}

    def test_folds_may_be_an_iterator(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        folds = list(KFold(3).split(binary[0]))
        study = in_memory(cv=iter(folds))
        study.optimize(*binary, n_trials=1)
        study.optimize(*binary, n_trials=2)  # an iterator would be used up by now
        evaluation = study.optuna_study.trials[1].user_attrs["optistruct:evaluation"]
        assert len(evaluation["folds"]["accuracy"]) == 3


class TestLoadStudy:
    @pytest.mark.parametrize(
        "space",
        [
            spaces.decision_tree,
            spaces.choice(spaces.decision_tree, spaces.linear),
            spaces.tabular(spaces.choice(spaces.decision_tree, spaces.hist_gradient_boosting)),
            spaces.pipeline(spaces.scaler, spaces.decision_tree),
            spaces.from_grid(DecisionTreeClassifier(), {"max_depth": [1, 2, 3, None]}),
            tree,
        ],
        ids=["family", "choice", "tabular", "pipeline", "grid", "function of this module"],
    )
    def test_builds_candidates_from_the_database_alone(
        self,
        make: Callable[..., StructureStudy],
        binary: tuple[Any, Any],
        url: str,
        space: Any,
    ) -> None:
        study = make(space, seed=11, defaults=False)
        study.optimize(*binary, n_trials=3)
        loaded = load_study("t", url)
        assert loaded.objectives == study.objectives
        assert loaded.seed == 11
        assert loaded.cv == 3
        assert records(loaded) == records(study)
        for candidate, original in zip(loaded.front(), study.front(), strict=True):
            assert repr(candidate.build()) == repr(original.build())
            assert candidate.values == original.values
        loaded.optimize(*binary, n_trials=4)  # and it is the same study
        assert len(records(study)) == 4

    def test_of_a_space_that_cannot_be_imported(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        def mine(trial: Any) -> Any:
            return tree(trial)

        make(mine).optimize(*binary, n_trials=2)
        loaded = load_study("t", url)
        front = loaded.front()  # read all the same
        assert front[0].values["parameters"] > 0
        with pytest.raises(RecipeError, match=r"(?s)mine.*load_study\(\.\.\., space=\.\.\.\)"):
            front[0].build()
        with pytest.raises(RecipeError, match="mine"):
            loaded.optimize(*binary, n_trials=3)
        assert len(records(loaded)) == 2

        cured = load_study("t", url, space=mine)
        assert isinstance(cured.front()[0].build(), DecisionTreeClassifier)
        cured.optimize(*binary, n_trials=3)
        assert len(records(cured)) == 3

    def test_of_an_objective_that_cannot_be_made_again(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        class Depth(Objective):
            name = "depth"
            unit = "levels"

            def measure(self, model: Any, X: Any, y: Any) -> float:
                return float(model.get_depth())

        study = make(objectives=[Score("accuracy"), Depth(at_most=4)])
        study.optimize(*binary, n_trials=4)
        loaded = load_study("t", url)
        assert loaded.objectives[1].name == "depth"
        assert loaded.objectives[1].unit == "levels"
        assert loaded.objectives[1].at_most == 4
        frame = loaded.front().to_frame()
        assert frame.equals(study.front().to_frame())
        with pytest.raises(ArgumentError, match="'depth' is defined outside optistruct"):
            loaded.optimize(*binary, n_trials=5)
        assert len(records(loaded)) == 4  # no trial is spent on finding that out

    def test_keeps_the_splitter_and_the_sampler(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        cv = StratifiedKFold(3, shuffle=True, random_state=4)
        make(cv=cv, sampler="nsga2").optimize(*binary, n_trials=1)
        loaded = load_study("t", url)
        assert repr(loaded.cv) == repr(cv)
        loaded.optimize(*binary, n_trials=2)
        assert loaded.spec.sampler == "nsga2"

    def test_unknown_name(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        make().optimize(*binary, n_trials=1)
        make(name="u").optimize(*binary, n_trials=1)
        with pytest.raises(
            StudyNotFoundError, match="no study 'x' in this database: it holds t, u"
        ):
            load_study("x", url)

    def test_not_of_optistruct(self, url: str) -> None:
        optuna.create_study(study_name="plain", storage=url)
        with pytest.raises(StudyMismatchError, match="'plain' was not made by optistruct"):
            load_study("plain", url)

    def test_plain_optuna_sees_named_objectives(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        make().optimize(*binary, n_trials=3)
        plain = optuna.load_study(study_name="t", storage=url)
        assert plain.metric_names == ["accuracy", "parameters"]
        assert [d.name for d in plain.directions] == ["MAXIMIZE", "MINIMIZE"]
        assert len(plain.trials) == 3
        assert {"values_accuracy", "values_parameters"} <= set(plain.trials_dataframe().columns)

    def test_repr(self, make: Callable[..., StructureStudy]) -> None:
        assert repr(make()) == "<StructureStudy 't': tree by accuracy, parameters>"


class TestStaysItself:
    """What is built, resumed or searched on is what was measured."""

    def test_another_space_builds_nothing(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        make(tree).optimize(*binary, n_trials=2)
        for changed in (load_study("t", url, space=wider_tree), make(wider_tree)):
            chosen = changed.front().select("best")
            with pytest.raises(
                StudyMismatchError, match="'max_depth' was 1 to 6, is 1 to 7; the study was made"
            ):
                chosen.build()

    def test_a_study_killed_before_its_spec_was_written_is_taken_up(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        optuna.create_study(study_name="t", storage=url, directions=["maximize", "minimize"])
        study = make(tree)
        study.optimize(*binary, n_trials=2)
        assert len(load_study("t", url).front()) > 0

    def test_a_study_of_other_directions_is_not(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        optuna.create_study(study_name="t", storage=url, directions=["minimize", "minimize"])
        with pytest.raises(StudyMismatchError, match="was not made by optistruct"):
            make(tree).optimize(*binary, n_trials=2)

    def test_folds_that_change_every_time_are_refused(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        with pytest.raises(ArgumentError, match=r"other folds every time.*set its random_state"):
            make(tree, cv=KFold(3, shuffle=True)).optimize(*binary, n_trials=1)

    def test_folds_that_cannot_be_made_again_are_named(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        halves = [(np.arange(0, 90, 2), np.arange(1, 90, 2))]
        make(tree, cv=halves).optimize(*binary, n_trials=1)
        with pytest.raises(ArgumentError, match="folds of this study cannot be made again"):
            load_study("t", url).optimize(*binary, n_trials=2)

    def test_it_goes_on_as_it_was_made(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        make(tree, submodels=False, racing=False).optimize(*binary, n_trials=1)
        again = load_study("t", url)
        assert (again.submodels, again.racing) == (False, False)

    def test_a_sampler_whose_package_is_missing_is_no_obstacle_to_reading(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        study = make(tree)
        study.optimize(*binary, n_trials=2)
        spec = {**study.optuna_study.user_attrs[StudySpec.KEY], "sampler": "gp"}
        study.optuna_study.set_user_attr(StudySpec.KEY, spec)
        assert len(load_study("t", url).front()) >= 1

    def test_a_sampler_of_ones_own_is_not_replaced_silently(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any], url: str
    ) -> None:
        own = optuna.samplers.RandomSampler(seed=0)
        make(tree, sampler=own).optimize(*binary, n_trials=1)
        with pytest.raises(ArgumentError, match="a sampler of its own, RandomSampler"):
            load_study("t", url).optimize(*binary, n_trials=2)
        load_study("t", url, sampler=own).optimize(*binary, n_trials=2)
        assert load_study("t", url).spec.sampler == "RandomSampler"

    def test_a_callers_pool_that_breaks_blames_nobody(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        class Broken(ThreadPoolExecutor):
            def submit(self, *args: Any, **kwargs: Any) -> Any:
                future: Future[Any] = Future()
                future.set_exception(BrokenExecutor("a worker has gone"))
                return future

        study = make(tree)
        with pytest.raises(BrokenExecutor, match="a worker has gone"):
            study.optimize(*binary, n_trials=2, executor=Broken())
        assert states(study) == [TrialState.RUNNING]
        study.optimize(*binary, n_trials=2)
        assert states(study) == [TrialState.COMPLETE] * 2

    def test_inference_times_keep_the_first_runs_reference(
        self, make: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        seen: list[float | None] = []

        class Timed(InferenceTime):
            def measure(self, model: Any, X: Any, y: Any) -> float:
                seen.append(self.reference_ns)
                return 1.0

        by = [Score("accuracy"), Timed()]
        make(tree, objectives=by).optimize(*binary, n_trials=1)
        study = make(tree, objectives=by)
        study.optimize(*binary, n_trials=2)
        stored = study.spec.machine["reference_ns"]
        assert stored > 0
        assert set(seen) == {stored}
