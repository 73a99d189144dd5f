"""Open an Optuna storage, see that one process writes a study, and recover what a kill left."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import BaseModel
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL, make_url

from optistruct.exceptions import StorageError, StudyNotFoundError, StudyRunningError
from optistruct.storage.remembering import RememberingStorage

__all__ = [
    "claimed",
    "load_optuna_study",
    "open_storage",
    "running_trials",
    "study_names",
]

_RUNNER = "optistruct:runner"
_BUSY_SECONDS = 30


def open_storage(storage: str | BaseStorage, *, create: bool = False) -> BaseStorage:
    """Open a database of studies.

    A new SQLite database is put into write-ahead mode, in which readers and the writer do not block
    each other.

    Args:
        storage: A database URL, such as `sqlite:///studies.db`, or an Optuna storage.
        create: Whether to make the database where there is none.

    Raises:
        StorageError: If it cannot be opened, is missing, or is not one of Optuna's.
    """
    if isinstance(storage, BaseStorage):
        return storage
    url = _parse(storage)
    is_sqlite = url.get_backend_name() == "sqlite"
    is_file = is_sqlite and url.database not in (None, "", ":memory:")
    if is_file:
        _check_file(Path(str(url.database)), create)
    settings: dict[str, Any] = {} if is_sqlite else {"pool_pre_ping": True}
    if is_file:
        settings["connect_args"] = {"timeout": _BUSY_SECONDS}
    try:
        is_new = not _holds_studies(url, storage)
        if is_new and not create and (is_file or not is_sqlite):
            raise StorageError(f"the database {_shown(url)} holds no studies")
        template = storage.replace("{", "{{").replace("}", "}}")  # Optuna fills in a URL
        backend = RDBStorage(template, engine_kwargs=settings)
        if is_file and is_new:
            with backend.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    except ImportError as error:
        raise StorageError(
            f"{_shown(url)} needs a driver that is not installed ({error}): pip install it"
        ) from None
    except (
        *(sqlalchemy.exc.SQLAlchemyError, StorageInternalError, RuntimeError),
        *(TypeError, ValueError),  # of settings in the URL
    ) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StorageError(f"the database {_shown(url)} cannot be opened: {reason}") from None
    if is_file and create:
        sqlalchemy.event.listen(backend.engine, "connect", _do_not_wait_for_the_disk)
        backend.engine.dispose()
    return RememberingStorage(backend)


def study_names(storage: BaseStorage) -> list[str]:
    """List the names of all studies in a storage."""
    return sorted(optuna.get_all_study_names(storage))


def load_optuna_study(name: str, storage: BaseStorage, **kwargs: Any) -> optuna.Study:
    """Load a study.

    Raises:
        StudyNotFoundError: If there is none of this name; the message lists those there are.
    """
    try:
        return optuna.load_study(study_name=name, storage=storage, **kwargs)
    except (KeyError, UnicodeEncodeError):  # a name of no text, as a shell may hand over
        names = study_names(storage)
        there = f"it holds {', '.join(names)}" if names else "it holds none"
        raise StudyNotFoundError(f"no study {name!r} in this database: {there}") from None


@contextmanager
def claimed(study: optuna.Study) -> Iterator[None]:
    """Note that this process writes the study, and refuse when another one here does.

    A note left by a process that has ended, or by another machine, is taken over: a run that was
    killed can be resumed anywhere. So is any on Windows. Runs of one study on two machines at once,
    or begun in the same moment, are not noticed, and spoil each other's trials.

    Raises:
        StudyRunningError: If a live process of this machine holds the study.
    """
    runner = study.user_attrs.get(_RUNNER) or {}
    here = {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}
    is_here = runner.get("host") == here["host"] and runner.get("pid") != here["pid"]
    if is_here and _is_alive(runner["pid"], runner["started"]):
        raise StudyRunningError(
            f"the study {study.study_name!r} is being run by process {runner['pid']}: wait until "
            "it ends, or stop it; to use more cores, give that run a larger n_jobs"
        )
    study.set_user_attr(_RUNNER, here)
    try:
        yield
    finally:
        study.set_user_attr(_RUNNER, None)


def running_trials(study: optuna.Study) -> list[FrozenTrial]:
    """List the trials that a killed process left unfinished; only for the study's one writer."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def _parse(storage: str) -> URL:
    try:
        return make_url(storage)
    except (sqlalchemy.exc.ArgumentError, TypeError, ValueError):
        raise StorageError(
            f"storage must be a database URL such as sqlite:///studies.db, got {storage!r}"
        ) from None


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _check_file(path: Path, create: bool) -> None:
    # not Path's own: it raises where a folder may not be read
    if not os.path.isdir(path.parent):
        raise StorageError(f"the folder of the database {path} does not exist: make it first")
    if not os.path.exists(path):
        if create:
            return
        raise StorageError(f"there is no database {path}: run a study first, or name another")
    if not os.path.isfile(path):
        raise StorageError(f"{path} is not a file, so it is no SQLite database")


def _holds_studies(url: URL, storage: str) -> bool:
    """Tell whether a database has Optuna's tables, before Optuna adds them.

    A process that was killed while it made them may have left some.

    Raises:
        StorageError: If it is somebody else's.
    """
    path = url.database
    if url.get_backend_name() == "sqlite" and (not path or not Path(path).exists()):
        return False
    engine = sqlalchemy.create_engine(storage)
    try:
        inspector = sqlalchemy.inspect(engine)
        tables = set(inspector.get_table_names())
        if {"studies", "trials", "version_info"} <= tables:
            return True
        optunas = BaseModel.metadata.tables
        is_optunas = all(
            table in optunas
            and {column["name"] for column in inspector.get_columns(table)}
            == {column.name for column in optunas[table].columns}
            for table in tables
        )
    finally:
        engine.dispose()
    if not is_optunas:
        raise StorageError(
            f"the database {_shown(url)} is not one of Optuna's: it holds "
            f"{', '.join(sorted(tables)[:5])}; name another one, nothing was written"
        )
    return False


def _do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    """Write as is safe in write-ahead mode, if a database is in it."""
    cursor = connection.cursor()
    if cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _started(pid: int) -> str | None:
    """Tell when a process began, in the kernel's ticks, where the system says so."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _is_alive(pid: int, started: str | None) -> bool:
    if sys.platform == "win32":  # where the signal 0 is Ctrl-C, and nobody can be asked
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's, and may be hidden
        return _started(pid) in (None, started)
    return _started(pid) == started
