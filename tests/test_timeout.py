"""A fit in progress stops when the time is over, and its trial begins anew afterwards."""

import ctypes
import signal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from optuna.trial import TrialState
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, objectives
from optistruct.evaluation import InProcess, OutOfTime


class Endless(ClassifierMixin, BaseEstimator):
    """Fits for ever while a file is there."""

    def __init__(self, file: str = "", depth: int = 1) -> None:
        self.file = file
        self.depth = depth

    def fit(self, X: Any, y: Any) -> "Endless":
        while Path(self.file).exists():
            pass
        self.tree_ = DecisionTreeClassifier(max_depth=self.depth).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.tree_.predict(X)


class Space:
    """A space of one parameter whose models wait for a file to go."""

    name = "endless"

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __call__(self, trial: Any) -> Any:
        return Endless(self.file, trial.suggest_int("depth", 1, 9))


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_fit_in_progress_stops_and_begins_anew(
    n_jobs: int, tmp_path: Path, binary: Any
) -> None:
    file = tmp_path / "wait"
    study = StructureStudy(
        Space(file), [objectives.Score("accuracy")], name="t",
        storage=f"sqlite:///{tmp_path}/t.db", sampler="random", cv=2,
    )  # fmt: skip
    study.optimize(*binary, n_trials=1, n_jobs=n_jobs)
    file.touch()
    assert study.optimize(*binary, n_trials=4, timeout=4, n_jobs=n_jobs) == "timeout"
    first, *left = study.optuna_study.trials
    assert first.state == TrialState.COMPLETE
    assert {trial.state for trial in left} == {TrialState.RUNNING}
    assert len(left) == n_jobs
    file.unlink()
    assert study.optimize(*binary, n_trials=4, n_jobs=n_jobs) == "n_trials"
    done = study.optuna_study.trials[1:]
    assert [trial.state for trial in done] == [TrialState.COMPLETE] * 3
    assert [trial.params for trial in done[:n_jobs]] == [trial.params for trial in left]


def test_the_alarm_is_put_back(binary: Any) -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(OutOfTime):
        InProcess(deadline=monotonic()).submit(_for_ever)
    assert InProcess(deadline=monotonic() + 999).submit(lambda: 5).result() == 5
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_cleaning_up_takes_its_time() -> None:
    deadline, is_clean = monotonic() + 0.2, False

    def clean_up_afterwards() -> None:
        nonlocal is_clean
        try:
            _for_ever()
        finally:
            while monotonic() < deadline + 1.2:
                pass
            is_clean = True

    with pytest.raises(OutOfTime):
        InProcess(deadline).submit(clean_up_afterwards)
    assert is_clean


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("then", ["goes on", "ends"])
def test_the_time_may_be_over_in_a_callback_of_c_code(then: str) -> None:
    """There Python prints the exception and goes on, too; XGBoost reads its tables so."""
    deadline = monotonic() + 0.2

    def wait() -> int:
        while monotonic() < deadline + 0.1:
            pass
        return 0

    def call_back() -> str:
        ctypes.CFUNCTYPE(ctypes.c_int)(wait)()
        if then == "goes on":
            _for_ever()
        return "a result after the deadline"

    with pytest.raises(OutOfTime):
        InProcess(deadline).submit(call_back)


@pytest.mark.slow
def test_the_time_may_be_over_while_an_object_is_taken_down() -> None:
    """Where Python would print the exception, which ends the call, and go on."""
    deadline = monotonic() + 0.2

    class Long:
        def __del__(self) -> None:
            while monotonic() < deadline + 0.1:
                pass

    def take_down_and_go_on() -> None:
        Long()
        _for_ever()

    with pytest.raises(OutOfTime):
        InProcess(deadline).submit(take_down_and_go_on)


def _for_ever() -> None:
    while True:
        pass
