"""The rows of Optuna's tables that make up a trial, read and written without its ORM.

Optuna's ORM needs several queries and objects for each value it stores. Here each is one statement.
The tables are private to Optuna, but they are its file format: they have a version, which it checks
when it opens a database, and they change only with a migration. Nothing else here knows them.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import Connection

__all__ = [
    "SYSTEM_ATTRS",
    "USER_ATTRS",
    "delete_values",
    "insert_param",
    "insert_trial",
    "insert_values",
    "read_states",
    "read_trials",
    "study_of",
    "update_state",
    "write_attr",
    "write_intermediate_value",
]

_STUDIES = models.StudyModel.__table__
_TRIALS = models.TrialModel.__table__
_PARAMS = models.TrialParamModel.__table__
_VALUES = models.TrialValueModel.__table__
_STEPS = models.TrialIntermediateValueModel.__table__
USER_ATTRS = models.TrialUserAttributeModel.__table__
SYSTEM_ATTRS = models.TrialSystemAttributeModel.__table__

_LOCK_STUDY = sa.select(_STUDIES.c.study_id).with_for_update()
_INSERT_TRIAL = sa.insert(_TRIALS).values(
    number=sa.select(sa.func.count(_TRIALS.c.trial_id))
    .where(_TRIALS.c.study_id == sa.bindparam("of_study"))
    .scalar_subquery()
)
_PARSED = lru_cache(4096)(json_to_distribution)


def insert_trial(connection: Connection, study_id: int) -> FrozenTrial | None:
    """Begin a trial; None if there is no such study."""
    lock = _LOCK_STUDY.where(_STUDIES.c.study_id == study_id)  # two writers, two numbers
    if connection.execute(lock).first() is None:
        return None
    now = datetime.now()
    row = {
        "of_study": study_id,
        "study_id": study_id,
        "state": TrialState.RUNNING,
        "datetime_start": _utc(now),
    }
    inserted: Any = connection.execute(_INSERT_TRIAL, row)
    trial_id = inserted.inserted_primary_key[0]
    number = sa.select(_TRIALS.c.number).where(_TRIALS.c.trial_id == trial_id)
    return FrozenTrial(
        number=connection.execute(number).scalar_one(),
        state=TrialState.RUNNING,
        value=None,
        datetime_start=now,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
        trial_id=trial_id,
    )


def insert_param(
    connection: Connection, trial_id: int, name: str, value: float, distribution: BaseDistribution
) -> None:
    """Add a parameter, whose value is in Optuna's internal representation."""
    row = {
        "trial_id": trial_id,
        "param_name": name,
        "param_value": value,
        "distribution_json": distribution_to_json(distribution),
    }
    connection.execute(sa.insert(_PARAMS), row)


def write_attr(
    connection: Connection, table: sa.Table, trial_id: int, key: str, text: str, is_new: bool
) -> None:
    """Write a value, as JSON, to `USER_ATTRS` or `SYSTEM_ATTRS`."""
    if is_new:
        row = {"trial_id": trial_id, "key": key, "value_json": text}
        connection.execute(sa.insert(table), row)
    else:
        there = sa.update(table).where(table.c.trial_id == trial_id, table.c.key == key)
        connection.execute(there, {"value_json": text})


def write_intermediate_value(
    connection: Connection, trial_id: int, step: int, value: float
) -> None:
    """Write the value of a step in the place of any that it has."""
    there = sa.delete(_STEPS).where(_STEPS.c.trial_id == trial_id, _STEPS.c.step == step)
    connection.execute(there)
    stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    row = {
        "trial_id": trial_id,
        "step": step,
        "intermediate_value": stored,
        "intermediate_value_type": kind,
    }
    connection.execute(sa.insert(_STEPS), row)


def insert_values(connection: Connection, trial_id: int, values: Sequence[float]) -> None:
    """Write the values of a trial that has none."""
    rows = []
    for objective, value in enumerate(values):
        stored, kind = models.TrialValueModel.value_to_stored_repr(value)
        rows.append(
            {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}
        )
    connection.execute(sa.insert(_VALUES), rows)


def update_state(
    connection: Connection,
    trial_id: int,
    state: TrialState,
    among: Collection[TrialState],
    **moments: datetime,
) -> bool:
    """Change a trial's state, and its `datetime_start` or `datetime_complete`.

    Returns:
        Whether it was in one of the states `among`; if not, nothing is changed.
    """
    there = sa.update(_TRIALS).where(_TRIALS.c.trial_id == trial_id, _TRIALS.c.state.in_(among))
    row = {"state": state, **{name: _utc(moment) for name, moment in moments.items()}}
    return connection.execute(there, row).rowcount == 1


def delete_values(connection: Connection, trial_id: int) -> None:
    """Delete a trial's values."""
    connection.execute(sa.delete(_VALUES).where(_VALUES.c.trial_id == trial_id))


def study_of(connection: Connection, trial_id: int) -> int | None:
    """Find the study of a trial; None if there is no such trial."""
    query = sa.select(_TRIALS.c.study_id).where(_TRIALS.c.trial_id == trial_id)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def read_states(
    connection: Connection, study_id: int, after: int, among: Collection[int]
) -> dict[int, TrialState]:
    """Read the states, by trial id, of the trials with an id above `after` or one of `among`."""
    wanted = _TRIALS.c.trial_id > after
    if among:
        wanted = sa.or_(wanted, _TRIALS.c.trial_id.in_(among))
    query = sa.select(_TRIALS.c.trial_id, _TRIALS.c.state)
    rows = connection.execute(query.where(_TRIALS.c.study_id == study_id, wanted))
    return {trial_id: state for trial_id, state in rows}


def read_trials(
    connection: Connection, study_id: int, ids: Collection[int] | None
) -> list[FrozenTrial]:
    """Read the trials of these ids, or all of the study, in the order of their ids."""
    wanted = _TRIALS.c.study_id == study_id
    if ids is not None:
        wanted = sa.and_(wanted, _TRIALS.c.trial_id.in_(ids))

    def grouped(table: sa.Table) -> dict[int, list[Any]]:
        query = sa.select(table).join(_TRIALS, _TRIALS.c.trial_id == table.c.trial_id)
        groups = defaultdict(list)
        for row in connection.execute(query.where(wanted).order_by(*table.primary_key)):
            groups[row.trial_id].append(row)
        return groups

    # The trials come first: what is read of one that has ended by then is all there is.
    heads = connection.execute(sa.select(_TRIALS).where(wanted).order_by(_TRIALS.c.trial_id)).all()
    params, values, steps = grouped(_PARAMS), grouped(_VALUES), grouped(_STEPS)
    user_attrs, system_attrs = grouped(USER_ATTRS), grouped(SYSTEM_ATTRS)
    trials = []
    for row in heads:
        key = row.trial_id
        distributions = {p.param_name: _PARSED(p.distribution_json) for p in params[key]}
        trials.append(
            FrozenTrial(
                number=row.number,
                state=row.state,
                value=None,
                values=_values(values[key]),
                datetime_start=_local(row.datetime_start),
                datetime_complete=_local(row.datetime_complete),
                params={
                    p.param_name: distributions[p.param_name].to_external_repr(p.param_value)
                    for p in params[key]
                },
                distributions=distributions,
                user_attrs={attr.key: json.loads(attr.value_json) for attr in user_attrs[key]},
                system_attrs={attr.key: json.loads(attr.value_json) for attr in system_attrs[key]},
                intermediate_values={
                    step.step: models.TrialIntermediateValueModel.stored_repr_to_intermediate_value(
                        step.intermediate_value, step.intermediate_value_type
                    )
                    for step in steps[key]
                },
                trial_id=key,
            )
        )
    return trials


def _values(rows: list[Any]) -> list[float] | None:
    in_order = sorted(rows, key=lambda row: row.objective)
    read = models.TrialValueModel.stored_repr_to_value
    return [read(row.value, row.value_type) for row in in_order] or None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _local(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
