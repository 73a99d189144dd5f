"""A study whose process is killed in the middle of a trial, and run again by the same command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

pytestmark = pytest.mark.slow

SECONDS = 120
N_TRIALS = 14
FAILURE = "optistruct:failure"

SCRIPT = """
import os
import signal
import sys
import time
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.objectives import ParameterCount, Score
from optistruct.samplers import SeededNSGAII, SeededTPE

FOLDER, JOBS, BLOCKED = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")


class Tree(DecisionTreeClassifier):
    \"\"\"Says that its fit has begun; where it is told to block, that fit never ends; with
    a `!`, it kills its process.\"\"\"

    def __init__(self, key="", max_depth=None, min_samples_leaf=1, random_state=None):
        super().__init__(
            max_depth=max_depth, min_samples_leaf=min_samples_leaf, random_state=random_state
        )
        self.key = key

    def fit(self, X, y):
        if self.key in BLOCKED:
            (FOLDER / f"inside-{self.key}").touch()
            while True:
                time.sleep(0.02)
        if self.key + "!" in BLOCKED:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


def space_of(name):
    def space(trial):
        depth, leaf = 1, 1
        if trial.suggest_categorical("kind", ["stump", "tree"]) == "tree":
            depth = trial.suggest_int("max_depth", 2, 9)
            leaf = trial.suggest_int("min_samples_leaf", 1, 40)
        return Tree(f"{name}-{getattr(trial, 'number', '')}", depth, leaf)

    return space


SAMPLERS = {
    "tpe": SeededTPE(seed=0, n_startup_trials=4),
    "genetic": SeededNSGAII(seed=0, population_size=4),
    "smsego": "smsego",
}
for name in sys.argv[4:]:
    study = StructureStudy(
        space_of(name),
        [Score("accuracy"), ParameterCount()],
        name=name,
        storage=f"sqlite:///{FOLDER}/studies.db",
        sampler=SAMPLERS[name],
        cv=3,
    )
    study.optimize(*load_iris(return_X_y=True), n_trials=N_TRIALS, n_jobs=JOBS)
""".replace("N_TRIALS", str(N_TRIALS))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "study.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def start(script: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start the script; what is left of its processes at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def starter(
        folder: Path, *names: str, jobs: int = 1, blocked: str = "none"
    ) -> "subprocess.Popen[bytes]":
        folder.mkdir(exist_ok=True)
        with (folder / "err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, str(script), str(folder), str(jobs), blocked, *names],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,  # a group of its own, by which its workers can be ended
            )
        started.append(process)
        return process

    yield starter
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            process.wait()


def finish(folder: Path, process: "subprocess.Popen[bytes]") -> None:
    assert process.wait(timeout=SECONDS) == 0, (folder / "err").read_text()


def kill_inside(folder: Path, process: "subprocess.Popen[bytes]", *keys: str) -> None:
    """Kill the process, with no chance to clean up, when the fits of these trials have begun."""
    marks = [folder / f"inside-{key}" for key in keys]
    deadline = time.monotonic() + SECONDS
    while not all(mark.exists() for mark in marks):
        assert process.poll() is None, (folder / "err").read_text()
        assert time.monotonic() < deadline, "the fits never began"
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    for mark in marks:
        mark.unlink()


def trials_of(folder: Path, name: str) -> list[Any]:
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/studies.db")
    return study.get_trials(deepcopy=False)


def records(trials: list[Any]) -> list[tuple[Any, ...]]:
    return [(trial.number, trial.state, trial.params, trial.values) for trial in trials]


def test_a_killed_study_goes_on_as_if_never_stopped(
    tmp_path: Path, start: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    each = ("tpe", "genetic", "smsego")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    undisturbed = start(whole, *each)
    for blocked in ("tpe-6", "genetic-9", "smsego-12"):  # inside the model-based trials of each
        kill_inside(killed, start(killed, *each, blocked=blocked), blocked)
        name, _, number = blocked.partition("-")
        states = [trial.state for trial in trials_of(killed, name)]
        assert states == [TrialState.COMPLETE] * int(number) + [TrialState.RUNNING]
    finish(killed, start(killed, *each))
    finish(whole, undisturbed)
    for name in each:
        expected = records(trials_of(whole, name))
        assert [state for _, state, _, _ in expected] == [TrialState.COMPLETE] * N_TRIALS
        assert records(trials_of(killed, name)) == expected


def test_killed_with_two_at_work(
    tmp_path: Path, start: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    folder = tmp_path / "killed"
    keys = ("tpe-2", "tpe-3")
    kill_inside(folder, start(folder, "tpe", jobs=2, blocked=",".join(keys)), *keys)
    before = trials_of(folder, "tpe")
    assert [trial.state for trial in before[2:]] == [TrialState.RUNNING] * 2
    finish(folder, start(folder, "tpe", jobs=2))
    after = trials_of(folder, "tpe")
    assert [trial.state for trial in after] == [TrialState.COMPLETE] * N_TRIALS
    assert [trial.number for trial in after] == list(range(N_TRIALS))
    assert [trial.params for trial in after[:4]] == [trial.params for trial in before]
    assert records(after[:2]) == records(before[:2])


def test_a_trial_that_kills_its_process_is_given_up(
    tmp_path: Path, start: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    """As when a structure takes all memory: after two deaths it is tried apart, and dies there."""
    folder = tmp_path / "killed"
    for _ in range(2):
        assert start(folder, "tpe", blocked="tpe-1!").wait(timeout=SECONDS) == -signal.SIGKILL
        states = [trial.state for trial in trials_of(folder, "tpe")]
        assert states == [TrialState.COMPLETE, TrialState.RUNNING]
    finish(folder, start(folder, "tpe", blocked="tpe-1!"))
    trials = trials_of(folder, "tpe")
    assert [trial.state for trial in trials] == [
        TrialState.COMPLETE,
        TrialState.FAIL,
        *[TrialState.COMPLETE] * (N_TRIALS - 2),
    ]
    assert "the process died 3 times in this trial" in trials[1].user_attrs[FAILURE]


def test_kills_from_outside_lose_no_trial(
    tmp_path: Path, start: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    """However often: the trial is not to blame, and is finished in the end."""
    folder = tmp_path / "killed"
    for _ in range(3):
        kill_inside(folder, start(folder, "tpe", blocked="tpe-1"), "tpe-1")
    finish(folder, start(folder, "tpe"))
    assert [trial.state for trial in trials_of(folder, "tpe")] == [TrialState.COMPLETE] * N_TRIALS
