"""Databases: opened, refused, and held by one process."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from optistruct.exceptions import StorageError, StudyNotFoundError, StudyRunningError
from optistruct.storage import (
    RememberingStorage,
    claimed,
    load_optuna_study,
    open_storage,
    running_trials,
    study_names,
)
from optistruct.storage.opening import _is_alive, _started

RUNNER = "optistruct:runner"

HOLDER = """
import sys
import optuna
from optistruct.storage import claimed

study = optuna.load_study(study_name="t", storage=sys.argv[1])
with claimed(study):
    print("held", flush=True)
    sys.stdin.read()
"""


class TestOpen:
    def test_an_optuna_storage_is_taken_as_it_is(self) -> None:
        storage = optuna.storages.InMemoryStorage()
        assert open_storage(storage) is storage

    def test_a_missing_file_is_not_created_for_reading(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(
            StorageError, match=r"there is no database .*studies\.db: run a study first"
        ):
            open_storage(url)
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_file_is_created_for_a_study(self, url: str, tmp_path: Path) -> None:
        storage = open_storage(url, create=True)
        assert study_names(storage) == []
        assert (tmp_path / "studies.db").is_file()
        assert study_names(open_storage(url)) == []

    @pytest.mark.parametrize("create", [False, True])
    def test_a_missing_folder(self, tmp_path: Path, create: bool) -> None:
        with pytest.raises(StorageError, match=r"the folder .*nowhere.* does not exist: make it"):
            open_storage(f"sqlite:///{tmp_path}/nowhere/studies.db", create=create)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("create", [False, True])
    def test_a_folder_is_no_database(self, tmp_path: Path, create: bool) -> None:
        with pytest.raises(StorageError, match="is not a file, so it is no SQLite database"):
            open_storage(f"sqlite:///{tmp_path}", create=create)

    @pytest.mark.parametrize("bad", ["studies.db", "", "://x", "sqlite:/studies.db"])
    def test_what_is_no_url(
        self, bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(
            StorageError, match=r"storage must be a database URL such as sqlite:///studies\.db, got"
        ):
            open_storage(bad, create=True)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("create", [False, True])
    def test_settings_that_are_no_numbers(self, create: bool, tmp_path: Path) -> None:
        (tmp_path / "x.db").touch()
        with pytest.raises(StorageError, match="cannot be opened: could not convert string to flo"):
            open_storage(f"sqlite:///{tmp_path}/x.db?timeout=abc", create=create)

    def test_an_unknown_kind_of_database(self) -> None:
        with pytest.raises(StorageError, match=r"cannot be opened: .*nosuchdb"):
            open_storage("nosuchdb://localhost/x", create=True)

    def test_a_driver_that_is_not_installed(self) -> None:
        with pytest.raises(
            StorageError, match=r"(?s)needs a driver that is not installed .*: pip install it"
        ) as refusal:
            open_storage("oracle+cx_oracle://me:secret@localhost/x", create=True)
        assert "secret" not in str(refusal.value)

    @pytest.mark.parametrize("create", [False, True])
    def test_a_file_that_is_no_database(self, url: str, tmp_path: Path, create: bool) -> None:
        file = tmp_path / "studies.db"
        file.write_text("name,age\nAda,36\n" * 100)
        before = file.read_bytes()
        with pytest.raises(
            StorageError, match=r"studies\.db cannot be opened: file is not a database"
        ):
            open_storage(url, create=create)
        assert file.read_bytes() == before

    @pytest.mark.parametrize("create", [False, True])
    def test_a_database_of_another_tool(self, url: str, tmp_path: Path, create: bool) -> None:
        file = tmp_path / "studies.db"
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE invoices (id INTEGER)")
        connection.execute("CREATE TABLE studies (id INTEGER)")
        connection.commit()
        connection.close()
        before = file.read_bytes()
        with pytest.raises(
            StorageError, match=r"is not one of Optuna's: it holds invoices, studies; name another"
        ):
            open_storage(url, create=create)
        assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["studies.db"]

    @pytest.mark.parametrize("create", [False, True])
    def test_a_database_of_trials_of_another_kind(
        self, url: str, tmp_path: Path, create: bool
    ) -> None:
        connection = sqlite3.connect(tmp_path / "studies.db")
        connection.execute("CREATE TABLE studies (id INTEGER, hospital TEXT)")
        connection.close()
        with pytest.raises(StorageError, match=r"is not one of Optuna's: it holds studies; name"):
            open_storage(url, create=create)

    def test_tables_of_which_a_kill_left_some(self, url: str, tmp_path: Path) -> None:
        open_storage(url, create=True)
        connection = sqlite3.connect(tmp_path / "studies.db")
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name not in ("studies", "study_directions"):
                connection.execute(f"DROP TABLE {name}")
        connection.commit()
        connection.close()
        with pytest.raises(StorageError, match="holds no studies"):
            open_storage(url)
        optuna.create_study(study_name="t", storage=open_storage(url, create=True))
        assert study_names(open_storage(url)) == ["t"]

    def test_a_name_with_braces(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/x{{1}}.db"
        optuna.create_study(study_name="t", storage=open_storage(url, create=True))
        assert study_names(open_storage(url)) == ["t"]
        assert (tmp_path / "x{1}.db").is_file()

    def test_a_database_of_plain_optuna_is_left_as_it_is(self, url: str, tmp_path: Path) -> None:
        optuna.create_study(study_name="t", storage=url)
        before = (tmp_path / "studies.db").read_bytes()
        assert study_names(open_storage(url, create=True)) == ["t"]
        assert (tmp_path / "studies.db").read_bytes() == before

    def test_an_empty_file_holds_no_studies(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "studies.db").touch()
        with pytest.raises(StorageError, match=r"studies\.db holds no studies"):
            open_storage(url)
        assert (tmp_path / "studies.db").stat().st_size == 0
        assert study_names(open_storage(url, create=True)) == []

    def test_a_password_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(StorageError, match=r"needs a driver|cannot be opened") as refusal:
            open_storage("postgresql://me:secret@localhost:1/x")
        assert "secret" not in str(refusal.value)

    def test_writers_are_in_write_ahead_mode(self, url: str, tmp_path: Path) -> None:
        storage = open_storage(url, create=True)
        optuna.create_study(study_name="t", storage=storage)
        assert isinstance(storage, RememberingStorage)
        with storage.backend.engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        assert (mode, synchronous) == ("wal", 1)
        storage.backend.engine.dispose()
        plain = sqlite3.connect(tmp_path / "studies.db")
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)  # and stays so
        plain.close()


class TestLoad:
    def test_names(self, url: str) -> None:
        storage = open_storage(url, create=True)
        for name in ("b", "a"):
            optuna.create_study(study_name=name, storage=storage)
        assert study_names(storage) == ["a", "b"]
        assert load_optuna_study("a", storage).study_name == "a"

    def test_unknown_name(self, url: str) -> None:
        storage = open_storage(url, create=True)
        with pytest.raises(
            StudyNotFoundError, match="no study 'x' in this database: it holds none"
        ):
            load_optuna_study("x", storage)
        with pytest.raises(StudyNotFoundError, match=r"no study '\\udcff' in this database"):
            load_optuna_study("\udcff", storage)
        optuna.create_study(study_name="a", storage=storage)
        with pytest.raises(StudyNotFoundError, match=r"no study 'x' in this database: it holds a$"):
            load_optuna_study("x", storage)

    def test_unfinished_trials(self, url: str) -> None:
        study = optuna.create_study(storage=open_storage(url, create=True))
        study.tell(study.ask(), 1.0)
        left = study.ask()
        study.enqueue_trial({"x": 1})
        assert [trial.number for trial in running_trials(study)] == [left.number]


@pytest.mark.skipif(shutil.which("ps") is None and not Path("/proc").is_dir(), reason="no /proc")
class TestClaimed:
    @pytest.fixture
    def study(self, url: str) -> optuna.Study:
        return optuna.create_study(study_name="t", storage=open_storage(url, create=True))

    @pytest.fixture
    def holder(self, study: optuna.Study, url: str) -> Iterator["subprocess.Popen[str]"]:
        """A live process that holds the study until its input is closed."""
        command = [sys.executable, "-c", HOLDER, url]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    @pytest.mark.slow
    def test_a_live_process_is_respected(
        self, study: optuna.Study, holder: "subprocess.Popen[str]"
    ) -> None:
        message = f"'t' is being run by process {holder.pid}: wait until it ends, or stop it"
        with pytest.raises(StudyRunningError, match=message), claimed(study):
            pytest.fail("both hold it")
        assert study.user_attrs[RUNNER]["pid"] == holder.pid

        holder.communicate()  # closes its input: it ends, and gives the study back
        with claimed(study):
            assert study.user_attrs[RUNNER]["pid"] == os.getpid()

    @pytest.mark.slow
    def test_a_killed_process_is_taken_over(
        self, study: optuna.Study, holder: "subprocess.Popen[str]"
    ) -> None:
        holder.kill()
        holder.wait()
        assert study.user_attrs[RUNNER]["pid"] == holder.pid
        with claimed(study):
            assert study.user_attrs[RUNNER]["pid"] == os.getpid()
        assert study.user_attrs[RUNNER] is None

    def test_a_later_process_of_the_same_number_is_another(self, study: optuna.Study) -> None:
        """Numbers are given again: a live process that began at another time is not meant."""
        note = {"host": socket.gethostname(), "pid": os.getppid(), "started": "1"}
        study.set_user_attr(RUNNER, note)
        with claimed(study):
            assert study.user_attrs[RUNNER]["pid"] == os.getpid()

    def test_another_machine_is_taken_over(self, study: optuna.Study) -> None:
        study.set_user_attr(RUNNER, {"host": "elsewhere", "pid": os.getppid(), "started": None})
        with claimed(study):
            assert study.user_attrs[RUNNER]["host"] == socket.gethostname()

    def test_is_given_back_after_an_error(self, study: optuna.Study) -> None:
        with pytest.raises(RuntimeError, match="inside"), claimed(study):
            raise RuntimeError("inside")
        assert study.user_attrs[RUNNER] is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system tells no beginnings")
def test_another_user_s_process_is_told_from_the_one_that_left_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", forbidden)
    here = os.getpid()
    assert _is_alive(here, _started(here))
    assert not _is_alive(here, "1")
