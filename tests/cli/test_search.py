"""A table searched without any code; resumed; watched; interrupted."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from optistruct import load_study, spaces
from tests.cli.conftest import COMMAND, environment, homes, optistruct, wait_until

pytestmark = pytest.mark.slow

UNTIMED = ("--objective", "accuracy", "--objective", "parameters")
"""Objectives that are measured at once, where it does not matter which they are."""


def trials_of(folder: Path, name: str, file: str = "optistruct.db") -> list[Any]:
    return begun(optuna.load_study(study_name=name, storage=f"sqlite:///{folder / file}"))


def begun(study: optuna.Study) -> list[Any]:
    """List the trials but for the first structures that still wait."""
    return [trial for trial in study.trials if trial.state != TrialState.WAITING]


def test_classes(tmp_path: Path, homes_csv: Path) -> None:
    """Without options: the families that suit, balanced accuracy, parameters, time; and again."""
    command = ("search", homes_csv, "--target", "sold", "--trials")
    done = optistruct(tmp_path, *command, 3)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # quiet when piped
    assert "homes-sold: " in done.stdout
    for heading in ("balanced_", "accuracy", "parameters", "inference_time", "structure"):
        assert heading in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["optistruct.db"]
    study = load_study("homes-sold", f"sqlite:///{tmp_path}/optistruct.db")
    spec = study.spec
    assert [o.name for o in spec.objectives] == [
        "balanced_accuracy",
        "parameters",
        "inference_time",
    ]
    assert (spec.problem.task, spec.problem.rows, spec.problem.features) == ("binary", 60, 5)
    assert spec.problem.categorical == (1, 2)
    families = json.loads(spec.probe.parameters["family"])["attributes"]["choices"]
    assert families == list(spaces.FAMILIES)
    first = [trial.params for trial in begun(study.optuna_study)]
    assert len(first) == 3

    again = optistruct(tmp_path, *command, 4)
    assert again.returncode == 0, again.stderr
    trials = trials_of(tmp_path, "homes-sold")
    assert len(trials) == 4
    assert [trial.params for trial in trials[:3]] == first


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_numbers_in_a_parquet_with_every_option(tmp_path: Path) -> None:
    homes().drop(columns="sold").to_parquet(tmp_path / "homes.parquet")
    done = optistruct(
        tmp_path, "search", "homes.parquet", "--target", "price", "--space", "linear",
        "--space", "decision_tree", "--objective", "neg_mean_absolute_error", "--objective", "size",
        "--sampler", "nsga2", "--trials", "4", "--timeout", "600", "--jobs", "2",
        "--storage", "sqlite:///other.db", "--name", "mine", "--task", "regression",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "mine: " in done.stdout
    assert sorted(p.name for p in tmp_path.glob("*.db")) == ["other.db"]
    study = load_study("mine", f"sqlite:///{tmp_path}/other.db")
    assert [o.name for o in study.objectives] == ["mean_absolute_error", "size"]
    assert study.spec.sampler == "nsga2"
    assert study.spec.problem.task == "regression"
    assert [trial.state for trial in begun(study.optuna_study)] == [TrialState.COMPLETE] * 4
    families = {trial.params["family"] for trial in begun(study.optuna_study)}
    assert families <= {"linear", "decision_tree"}
    X = homes().drop(columns=["sold", "price"])
    assert study.front().select("knee").build().fit(X, homes()["price"]).predict(X).shape == (60,)


def test_ends_without_gain_and_goes_without_submodels_and_races(
    tmp_path: Path, homes_csv: Path
) -> None:
    options = ("--patience", "4", "--no-submodels", "--no-racing", "--space", "decision_tree")
    done = optistruct(
        tmp_path, "search", homes_csv, "--target", "sold", "--trials", "90", *UNTIMED, *options
    )
    assert done.returncode == 0, done.stderr
    assert "the hypervolume has hardly grown any more" in done.stderr
    study = load_study("homes-sold", f"sqlite:///{tmp_path}/optistruct.db")
    assert len(study.optuna_study.trials) < 90
    assert (study.spec.submodels, study.spec.racing) == (False, False)


def test_numbers_by_default_and_another_search_of_the_same_name(tmp_path: Path) -> None:
    homes().to_csv(tmp_path / "homes.csv.gz", index=False)
    command = ("search", "homes.csv.gz", "--target", "price", "--space", "decision_tree")
    done = optistruct(tmp_path, *command, "--trials", 2)
    assert done.returncode == 0, done.stderr
    assert "r2" in done.stdout
    study = load_study("homes-price", f"sqlite:///{tmp_path}/optistruct.db")
    assert study.spec.problem.task == "regression"
    before = [(trial.number, trial.params) for trial in trials_of(tmp_path, "homes-price")]
    assert set(before[0][1]) == {  # one family: no choice among several
        "max_depth",
        "max_leaf_nodes",
        "min_samples_leaf",
    }

    other = optistruct(tmp_path, *command, "--objective", "neg_max_error", "--trials", 4)
    assert other.returncode == 2
    assert other.stdout == ""
    assert other.stderr.startswith(
        "Error: the study 'homes-price' was made with something else:\n  - other objectives: "
    )
    assert "another name" in other.stderr
    assert "Traceback" not in other.stderr
    after = [(trial.number, trial.params) for trial in trials_of(tmp_path, "homes-price")]
    assert after == before


def test_a_bar_in_a_terminal(tmp_path: Path, homes_csv: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "search", str(homes_csv), "--target", "sold", "--space", "decision_tree",
               *UNTIMED, "--trials", "3"]  # fmt: skip
    env = environment() | {"TERM": "xterm", "COLUMNS": "160"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = _read(ours)
        assert process.wait() == 0, shown
    for part in ("homes-sold", "0/3", "3/3", "hypervolume", "left", "on the front of 3 trials"):
        assert part in shown, shown
    assert re.search(r"front [1-3]\b", shown)
    assert "study created" not in shown  # Optuna's own messages would break the bar


def _read(terminal: int) -> str:
    """Read a terminal to its end; Linux tells the end by an error."""
    shown = b""
    try:
        while part := os.read(terminal, 65536):
            shown += part
    except OSError:
        pass
    finally:
        os.close(terminal)
    return shown.decode()


def test_interrupted_and_resumed(tmp_path: Path, homes_csv: Path) -> None:
    command = [*COMMAND, "search", str(homes_csv), "--target", "sold", "--space", "decision_tree",
               *UNTIMED]  # fmt: skip

    def has_results() -> bool:
        """Look without Optuna, which would make the tables at the same time as the search does."""
        try:
            with closing(sqlite3.connect(f"file:{tmp_path}/optistruct.db?mode=ro", uri=True)) as db:
                done = db.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'")
                return bool(done.fetchone()[0])
        except sqlite3.Error:
            return False

    with subprocess.Popen(
        [*command, "--trials", "100000"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(has_results, "the first trial")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert err.strip() == "stopped; run the same command again to go on"
    assert out == ""
    before = trials_of(tmp_path, "homes-sold")
    total = len(before) + 2

    done = optistruct(tmp_path, *command[len(COMMAND) :], "--trials", total)
    assert done.returncode == 0, done.stderr
    after = trials_of(tmp_path, "homes-sold")
    assert [trial.state for trial in after] == [TrialState.COMPLETE] * total
    assert [t.params for t in after[: len(before) - 1]] == [t.params for t in before[:-1]]
