"""A study in PostgreSQL: a real server, started here, in a folder of its own."""

import getpass
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from sklearn.datasets import load_iris

from optistruct import StructureStudy, load_study, objectives, spaces
from optistruct.exceptions import StorageError, StudyMismatchError
from optistruct.storage import open_storage

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _PROGRAMS, reason="PostgreSQL is not installed"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg")
    is_root = getpass.getuser() == "root"  # the server refuses to run as root
    user = "postgres" if is_root else getpass.getuser()
    as_user = ["runuser", "-u", user, "--"] if is_root else []
    home = Path(tempfile.mkdtemp(prefix="pg"))
    if is_root:
        shutil.chown(home, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def program(name: str, *arguments: str) -> None:
        command = [*as_user, str(_PROGRAMS[-1] / name), *arguments]
        subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL)

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home}"
    program("initdb", "-D", str(home / "data"), "-A", "trust", "--no-sync")
    program(
        "pg_ctl", "-D", str(home / "data"), "-l", str(home / "log"), "-o", options, "-w", "start"
    )
    try:
        program("createdb", "-h", "127.0.0.1", "-p", str(port), "studies")
        yield f"postgresql+psycopg://{user}@127.0.0.1:{port}/studies"
    finally:
        program("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(home)


def _study(storage: str) -> StructureStudy:
    return StructureStudy(
        spaces.choice(spaces.decision_tree, spaces.linear),
        [objectives.Score("accuracy"), objectives.ParameterCount(at_most=1_000)],
        name="iris",
        storage=storage,
        cv=3,
    )


def test_a_study_lives_in_postgresql_and_resumes_there(server: str) -> None:
    X, y = load_iris(return_X_y=True)
    _study(server).optimize(X, y, n_trials=4)
    _study(server).optimize(X, y, n_trials=6)

    study = load_study("iris", server)

    assert [trial.number for trial in study.optuna_study.trials] == list(range(6))
    assert study.front().select("best").fit(X, y).score(X, y) > 0.8
    with pytest.raises(StudyMismatchError, match="another seed: 0 then, 7 now"):
        StructureStudy(
            study.space, study.objectives, name="iris", storage=server, cv=3, seed=7
        ).optimize(X, y, n_trials=6)


def test_plain_optuna_reads_there_what_was_told(server: str) -> None:
    storage = open_storage(server, create=True)
    study = optuna.create_study(
        study_name="told", storage=storage, directions=["minimize", "maximize"]
    )
    for values in ([0.1, -1e-300], [float("inf"), float("-inf")], None):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.suggest_categorical("kind", ["a", None])
        for record in ([0.1, "ü"], {"again": None}):
            trial.set_user_attr("record", record)
        trial.set_constraint("size", 1 / 3)
        study.tell(trial, values, state=None if values else TrialState.PRUNED)
    optuna.load_study(study_name="told", storage=server).enqueue_trial({"x": 0.25})
    assert study.ask().suggest_float("x", 0, 1) == 0.25

    plain = optuna.load_study(study_name="told", storage=server)

    assert [trial.number for trial in plain.trials] == list(range(4))
    assert plain.trials == study.trials
    assert study.trials == optuna.load_study(study_name="told", storage=open_storage(server)).trials


def test_a_database_that_does_not_answer_is_told(server: str) -> None:
    elsewhere = server.replace("/studies", "/nowhere")

    with pytest.raises(
        StorageError, match=r'cannot be opened: .*database "nowhere" does not exist'
    ):
        load_study("iris", elsewhere)


def test_a_password_is_not_shown(server: str) -> None:
    secret = server.replace("@", ":open-sesame@").replace("/studies", "/nowhere")

    with pytest.raises(StorageError) as told:
        load_study("iris", secret)

    assert "open-sesame" not in str(told.value)
