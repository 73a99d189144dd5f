"""Study scripts: run, run again, overridden, failing, interrupted."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tests.cli.conftest import COMMAND, environment, optistruct, wait_until

SCRIPT = """
import helper  # a module beside the script
from sklearn.datasets import load_iris

from optistruct import StructureStudy
from optistruct.objectives import ParameterCount, Score

study = StructureStudy(
    helper.tree, [Score("accuracy"), ParameterCount()], name="iris",
    storage="sqlite:///mine.db", cv=3,
)
study.optimize(*load_iris(return_X_y=True), n_trials=3, timeout=3600)
print("trials:", len(study.optuna_study.trials), "front:", len(study.front()) > 0)
"""

HELPER = """
from sklearn.tree import DecisionTreeClassifier

def tree(trial):
    return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 5))
"""

BLOCKING = """
import sys
import time
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.objectives import ParameterCount, Score

HERE = Path(__file__).parent


class Blocking(DecisionTreeClassifier):
    def fit(self, X, y):
        while not (HERE / "go").exists():
            (HERE / f"inside-{self.max_depth}").touch()
            time.sleep(0.02)
        return super().fit(X, y)


def space(trial):
    return Blocking(max_depth=trial.suggest_int("max_depth", 1, 50))


study = StructureStudy(
    space, [Score("accuracy"), ParameterCount()], name="iris", storage="sqlite:///mine.db", cv=2
)
study.optimize(*load_iris(return_X_y=True), n_trials=4, n_jobs=JOBS)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "study.py").write_text(SCRIPT)
    (tmp_path / "scripts" / "helper.py").write_text(HELPER)
    return tmp_path


def trials_of(folder: Path, file: str = "mine.db") -> list[Any]:
    study = optuna.load_study(study_name="iris", storage=f"sqlite:///{folder / file}")
    return study.get_trials(deepcopy=False)


@pytest.mark.slow
def test_runs_further_and_options_go_before_the_scripts(folder: Path) -> None:
    done = optistruct(folder, "run", "scripts/study.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "trials: 3 front: True\n"
    assert done.stderr == ""
    further = optistruct(folder, "run", "scripts/study.py", "--trials", 5)
    assert further.stdout == "trials: 5 front: True\n", further.stderr

    elsewhere = optistruct(
        folder, "run", "scripts/study.py", "--storage", "sqlite:///other.db", "--timeout", "1e-9"
    )
    assert elsewhere.stdout == "trials: 0 front: False\n", elsewhere.stderr
    assert len(trials_of(folder)) == 5
    assert trials_of(folder, "other.db") == []


@pytest.mark.slow
def test_load_study_in_a_script_follows_the_option(folder: Path) -> None:
    script = folder / "scripts" / "study.py"
    script.write_text(
        SCRIPT + 'from optistruct import load_study\n'
        'print(len(load_study("iris", "sqlite:///mine.db").optuna_study.trials))\n'
    )  # fmt: skip
    done = optistruct(folder, "run", script, "--storage", "sqlite:///other.db", "--trials", 2)
    assert done.stdout == "trials: 2 front: True\n2\n", done.stderr


@pytest.mark.slow
def test_errors_of_a_script_keep_their_traceback(folder: Path) -> None:
    """A fault in the script is the script's author's to find; a mistake in its use is not."""
    script = folder / "scripts" / "study.py"
    script.write_text("raise KeyError('mine')")
    done = optistruct(folder, "run", script)
    assert done.returncode == 1
    assert "KeyError: 'mine'" in done.stderr
    assert "Traceback" in done.stderr

    script.write_text(SCRIPT.replace('"accuracy"', '"acuracy"'))
    done = optistruct(folder, "run", script)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: unknown scorer 'acuracy'; known, nearest first: accuracy")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_interrupted_inside_the_fits_of_two_workers(tmp_path: Path) -> None:
    """As a terminal does: the whole group of processes is interrupted."""
    jobs, times = 2, 2
    (tmp_path / "study.py").write_text(BLOCKING.replace("JOBS", str(jobs)))
    for _ in range(times):
        code, err = _interrupted(tmp_path, jobs)
        assert code == 130, err
        assert err.strip() == "stopped; run the same command again to go on"
        for trial in trials_of(tmp_path):
            assert trial.state == TrialState.RUNNING
            assert trial.user_attrs["optistruct:deaths"] == -1  # none, when it goes on
        assert len(trials_of(tmp_path)) == jobs
    before = [trial.params for trial in trials_of(tmp_path)]
    (tmp_path / "go").touch()
    done = optistruct(tmp_path, "run", "study.py")
    assert done.returncode == 0, done.stderr
    trials = trials_of(tmp_path)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert [trial.params for trial in trials[:jobs]] == before


def _interrupted(folder: Path, jobs: int) -> tuple[int, str]:
    """Run the script until its fits block, and interrupt it: its exit status and errors."""
    for inside in folder.glob("inside-*"):
        inside.unlink()
    with (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [*COMMAND, "run", "study.py"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=err,
            start_new_session=True,
        )
        try:
            wait_until(
                lambda: len(list(folder.glob("inside-*"))) == jobs or process.poll() is not None,
                "the fits",
            )
            assert process.poll() is None, (folder / "err").read_text()
            os.killpg(process.pid, signal.SIGINT)
            code = process.wait(timeout=60)
            wait_until(lambda: not _is_group_alive(process.pid), "the end of all workers")
        finally:
            if _is_group_alive(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return code, (folder / "err").read_text()


def _is_group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
