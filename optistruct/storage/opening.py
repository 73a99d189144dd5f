"""Open an Optuna storage, see that one process writes a study, and recover what a kill left."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage
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

    SQLite is put into write-ahead mode, in which readers and the writer do not block each other.

    Args:
        storage: A database URL, such as `sqlite:///studies.db`, or an Optuna storage.
        create: Whether to make the database where there is none.

    Raises:
        StorageError: If it cannot be opened, is missing, or is not one of Optuna's.
    """
    if isinstance(storage, BaseStorage):
        return storage
    url = _parse(storage)
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if is_file:
        _check_file(Path(str(url.database)), create)
    connect_args = {"timeout": _BUSY_SECONDS} if is_file else {}
    try:
        _check_tables(url, storage, create)
        backend = RDBStorage(storage, engine_kwargs={"connect_args": connect_args})
    except ImportError as error:
        raise StorageError(
            f"{_shown(url)} needs a driver that is not installed ({error}): pip install it"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StorageError(f"the database {_shown(url)} cannot be opened: {reason}") from None
    if is_file and create:
        sqlalchemy.event.listen(backend.engine, "connect", _write_ahead)
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
    except KeyError:
        names = study_names(storage)
        there = f"it holds {', '.join(names)}" if names else "it holds none"
        raise StudyNotFoundError(f"no study {name!r} in this database: {there}") from None


@contextmanager
def claimed(study: optuna.Study) -> Iterator[None]:
    """Note that this process writes the study, and refuse when another one here does.

    A note left by a process that has ended, or by another machine, is taken over: a run that was
    killed can be resumed anywhere.

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
    if not path.parent.is_dir():
        raise StorageError(f"the folder of the database {path} does not exist: make it first")
    if not path.exists():
        if create:
            return
        raise StorageError(f"there is no database {path}: run a study first, or name another")
    if not path.is_file():
        raise StorageError(f"{path} is not a file, so it is no SQLite database")


def _check_tables(url: URL, storage: str, create: bool) -> None:
    """See whose database it is before Optuna adds its tables."""
    path = url.database
    if url.get_backend_name() == "sqlite" and (not path or not Path(path).exists()):
        return
    engine = sqlalchemy.create_engine(storage)
    try:
        tables = set(sqlalchemy.inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if {"studies", "trials", "version_info"} <= tables:
        return
    if tables:
        raise StorageError(
            f"the database {_shown(url)} is not one of Optuna's: it holds "
            f"{', '.join(sorted(tables)[:5])}; name another one, nothing was written"
        )
    if not create:
        raise StorageError(f"the database {_shown(url)} holds no studies")


def _write_ahead(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _started(pid: int) -> str | None:
    """Tell when a process began, in the kernel's ticks, where the system says so."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _is_alive(pid: int, started: str | None) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return _started(pid) == started
