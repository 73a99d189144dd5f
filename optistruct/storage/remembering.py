"""An Optuna storage that remembers a study's trials, and writes changes of one at once."""

import copy
import json
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import Connection

from optistruct.storage import rows

__all__ = ["RememberingStorage", "gathered"]

_FINISHED = tuple(state for state in TrialState if state.is_finished())
_UNFINISHED = tuple(state for state in TrialState if not state.is_finished())

_Write = Callable[[Connection], None]


class _Gathering(threading.local):
    """What a thread has set in a block of `gathered` and nobody has written; None outside."""

    writes: list[_Write] | None = None


class _Study:
    """What is remembered of a study."""

    def __init__(self, directions: list[StudyDirection]) -> None:
        self.directions = directions
        self.trials: dict[int, FrozenTrial] = {}  # by number, in order
        self.unfinished: set[int] = set()  # numbers
        self.distributions: dict[str, BaseDistribution] = {}
        self.last_id = -1  # no trial up to this id is unknown
        self.watched: set[int] = set()  # ids of unfinished trials that others may change

    def remember(self, trial: FrozenTrial) -> None:
        """Put a trial in its place; one that was handed out is never changed, but replaced."""
        number = trial.number
        is_last = number in self.trials or not self.trials or number > next(reversed(self.trials))
        self.trials[number] = trial
        if not is_last:
            self.trials = dict(sorted(self.trials.items()))
        if trial.state.is_finished():
            self.unfinished.discard(number)
        else:
            self.unfinished.add(number)


class RememberingStorage(BaseStorage):
    """Optuna's database, with the trials that were read or written in memory.

    Every change of a trial is one short transaction, which is over when the call returns, or when
    the block of `gathered` ends: a process that is killed loses nothing else. Trials of other
    processes are seen, too; but a trial that this one has begun, or written to, is taken to be its
    own, and not read again.

    Args:
        backend: The database.
    """

    def __init__(self, backend: RDBStorage) -> None:
        self.backend = backend
        self._studies: dict[int, _Study] = {}
        self._places: dict[int, tuple[int, int]] = {}  # trial id -> (study id, number)
        self._lock = threading.RLock()
        self._gathering = _Gathering()

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the database elsewhere, and not what is remembered: it may be old there."""
        return type(self), (self.backend,)

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        """Make a study."""
        return self.backend.create_new_study(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        """Delete a study with its trials."""
        with self._lock:
            self.backend.delete_study(study_id)
            self._studies.pop(study_id, None)
            self._places = {key: at for key, at in self._places.items() if at[0] != study_id}

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set a user attribute of a study."""
        self.backend.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set a system attribute of a study."""
        self.backend.set_study_system_attr(study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        """Find a study."""
        return self.backend.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        """Name a study."""
        return self.backend.get_study_name_from_id(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Tell the directions of a study."""
        with self._lock:
            return self._study(study_id).directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Read a study's user attributes, which any process may set."""
        return self.backend.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Read a study's system attributes, which any process may set."""
        return self.backend.get_study_system_attrs(study_id)

    def get_all_studies(self) -> list[Any]:
        """Read all studies."""
        return self.backend.get_all_studies()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Begin a trial, or add a copy of one."""
        if template_trial is not None:
            return self.backend.create_new_trial(study_id, template_trial)
        with self._lock:
            study = self._synced(study_id)
            with self._transaction() as connection:
                trial = rows.insert_trial(connection, study_id)
            if trial is None:
                raise KeyError(f"there is no study with the id {study_id}")
            self._remember(study_id, study, trial)
            return trial._trial_id

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """Set a parameter of a trial; one that is set stays as it is."""
        with self._lock:
            study, trial = self._own(trial_id)
            known = study.distributions.get(param_name)
            if known is not None:
                check_distribution_compatibility(known, distribution)
            if param_name in trial.params:
                return
            row = trial_id, param_name, param_value_internal, distribution
            self._write(lambda connection: rows.insert_param(connection, *row))
            value = distribution.to_external_repr(param_value_internal)
            study.distributions.setdefault(param_name, distribution)
            trial.params = {**trial.params, param_name: value}
            trial.distributions = {**trial.distributions, param_name: distribution}
            study.remember(trial)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Finish a trial, or take up one that waits; False if another process was faster."""
        with self._lock:
            study, trial = self._own(trial_id)
            is_begun = state == TrialState.RUNNING
            moment = {"datetime_start" if is_begun else "datetime_complete": datetime.now()}
            if not (is_begun or state.is_finished()):
                moment = {}
            with self._transaction() as connection:
                for write in self._gathering.writes or ():
                    write(connection)
                among = (TrialState.WAITING,) if is_begun else _UNFINISHED
                is_changed = rows.update_state(connection, trial_id, state, among, **moment)
                if is_changed and values is not None:
                    if trial.values is not None:
                        rows.delete_values(connection, trial_id)
                    rows.insert_values(connection, trial_id, values)
            if self._gathering.writes:
                self._gathering.writes.clear()
            if not is_changed:
                self._look_again(study, trial_id, is_begun)
                return False
            trial.state = state
            if values is not None:
                trial.values = list(values)
            for name, at in moment.items():
                setattr(trial, name, at)
            study.remember(trial)
            return True

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        """Set the value of a step."""
        with self._lock:
            study, trial = self._own(trial_id)
            with self._transaction() as connection:
                rows.write_intermediate_value(connection, trial_id, step, intermediate_value)
            trial.intermediate_values = {**trial.intermediate_values, step: intermediate_value}
            study.remember(trial)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set a user attribute of a trial."""
        with self._lock:
            study, trial = self._own(trial_id)
            trial.user_attrs = self._write_attr(
                rows.USER_ATTRS, trial_id, trial.user_attrs, key, value
            )
            study.remember(trial)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set a system attribute of a trial."""
        with self._lock:
            study, trial = self._own(trial_id)
            trial.system_attrs = self._write_attr(
                rows.SYSTEM_ATTRS, trial_id, trial.system_attrs, key, value
            )
            study.remember(trial)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Hand out a trial; Optuna's `Trial` adds to one that is running, which is hence a copy."""
        with self._lock:
            _, trial = self._find(trial_id)
        if not trial.state.is_finished():
            trial = copy.copy(trial)
            trial.params, trial.distributions = {**trial.params}, {**trial.distributions}
            trial.user_attrs, trial.system_attrs = {**trial.user_attrs}, {**trial.system_attrs}
        return trial

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Hand out the trials in the order of their numbers; only copies may be changed."""
        with self._lock:
            study = self._synced(study_id)
            if states is None:
                trials = list(study.trials.values())
            elif not any(state in states for state in _FINISHED):
                unfinished = (study.trials[number] for number in sorted(study.unfinished))
                trials = [trial for trial in unfinished if trial.state in states]
            else:
                trials = [trial for trial in study.trials.values() if trial.state in states]
            return copy.deepcopy(trials) if deepcopy else trials

    def remove_session(self) -> None:
        """Close what connections are open."""
        self.backend.remove_session()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Write the parameters and attributes that this thread sets in the block at its end.

        They are one transaction, and until then only this process knows of them. The state of a
        trial is written at once, in one transaction with all that was set before it.
        """
        writes = self._gathering.writes = []
        try:
            yield
        finally:
            self._gathering.writes = None
            if writes:
                with self._lock, self._transaction() as connection:
                    for write in writes:
                        write(connection)

    def _write(self, write: _Write) -> None:
        """Write in a transaction of its own, or with others at the end of a block."""
        if self._gathering.writes is not None:
            self._gathering.writes.append(write)
        else:
            with self._transaction() as connection:
                write(connection)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Commit all or nothing; what goes wrong is told as Optuna's own storage does."""
        try:
            with self.backend.engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StorageInternalError(f"the database cannot be used: {error}") from error

    def _study(self, study_id: int) -> _Study:
        if study_id not in self._studies:
            self._studies[study_id] = _Study(self.backend.get_study_directions(study_id))
        return self._studies[study_id]

    def _synced(self, study_id: int) -> _Study:
        """Read what other processes have changed since the last time; mostly, that is nothing."""
        study = self._study(study_id)
        with self._transaction() as connection:
            states = rows.read_states(connection, study_id, study.last_id, study.watched)
            stale = {key for key, state in states.items() if self._is_stale(study, key, state)}
            if stale:
                is_first = study.last_id < 0  # more ids than a query may have, perhaps
                for trial in rows.read_trials(connection, study_id, None if is_first else stale):
                    if trial._trial_id in stale:
                        self._remember(study_id, study, trial)
                        study.watched.discard(trial._trial_id)
                        if not trial.state.is_finished():
                            study.watched.add(trial._trial_id)
        study.last_id = max([study.last_id, *states])
        return study

    def _is_stale(self, study: _Study, trial_id: int, state: TrialState) -> bool:
        if trial_id not in self._places:
            return True
        known = study.trials[self._places[trial_id][1]].state
        # A trial that waits changes only when it is taken up, and then all at once.
        return trial_id in study.watched and (known, state) != (TrialState.WAITING,) * 2

    def _remember(self, study_id: int, study: _Study, trial: FrozenTrial) -> None:
        self._places[trial._trial_id] = (study_id, trial.number)
        for name, distribution in trial.distributions.items():
            study.distributions.setdefault(name, distribution)
        study.remember(trial)

    def _find(self, trial_id: int) -> tuple[_Study, FrozenTrial]:
        place = self._places.get(trial_id)
        if place is None or trial_id in self._studies[place[0]].watched:
            with self._transaction() as connection:
                study_id = rows.study_of(connection, trial_id)
            if study_id is None:
                raise KeyError(f"there is no trial with the id {trial_id}")
            self._synced(study_id)
        study_id, number = self._places[trial_id]
        study = self._studies[study_id]
        return study, study.trials[number]

    def _own(self, trial_id: int) -> tuple[_Study, FrozenTrial]:
        """Hand out a copy of a trial that is to be changed, from now on only by this process."""
        study, trial = self._find(trial_id)
        self.check_trial_is_updatable(trial_id, trial.state)
        study.watched.discard(trial_id)
        return study, copy.copy(trial)

    def _look_again(self, study: _Study, trial_id: int, is_begun: bool) -> None:
        """Read a trial that another process has changed after all."""
        study.watched.add(trial_id)
        _, trial = self._find(trial_id)
        if not is_begun:
            self.check_trial_is_updatable(trial_id, trial.state)

    def _write_attr(
        self, table: sa.Table, trial_id: int, attrs: dict[str, Any], key: str, value: Any
    ) -> dict[str, Any]:
        """Write an attribute; the new ones are what would be read, lists in place of tuples."""
        text, is_new = json.dumps(value), key not in attrs
        self._write(lambda c: rows.write_attr(c, table, trial_id, key, text, is_new))
        return {**attrs, key: json.loads(text)}


def gathered(storage: BaseStorage) -> AbstractContextManager[None]:
    """Gather what is set in the block, where a storage can; see `RememberingStorage.gathered`."""
    return storage.gathered() if isinstance(storage, RememberingStorage) else nullcontext()
