"""The Optuna study behind a structure study: loaded where it is of the same, else made."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage

from optistruct.evaluation import EvaluationPlan
from optistruct.launch import current_launch
from optistruct.objectives import Objective
from optistruct.resources import reference_time
from optistruct.spec import StudySpec
from optistruct.storage import load_optuna_study, open_storage, study_names

__all__ = ["calibrated", "load_or_make", "storage_of", "write_spec"]

_IN_MEMORY = ("sqlite://", "sqlite:///", "sqlite:///:memory:")


def storage_of(name: str, storage: str | BaseStorage) -> str | BaseStorage:
    """Tell where a study lives: where the command line says, if it says so.

    Where that is about another study, which is to be measured again, it holds for those alone that
    are in its database. A database in memory would be another one each time that it is opened.

    Args:
        name: Name of the study.
        storage: Where it lives otherwise.
    """
    launch = current_launch()
    if launch.storage is None:
        return InMemoryStorage() if storage in _IN_MEMORY else storage
    is_meant = launch.remeasure in (None, name)
    is_there = is_meant or name in study_names(open_storage(launch.storage))
    return launch.storage if is_there else storage


def load_or_make(
    name: str,
    storage: str | BaseStorage,
    sampler: BaseSampler,
    objectives: Sequence[Objective],
    spec: StudySpec,
) -> optuna.Study:
    """Load the stored study, or make it; its spec is not written yet.

    Args:
        name: Name of the study.
        storage: The database URL, or an Optuna storage.
        sampler: The study's sampler.
        objectives: What structures are judged by.
        spec: What the study is to be of.

    Raises:
        StorageError: If the database cannot be opened.
        StudyMismatchError: If the stored study is of something else.
    """
    opened = open_storage(storage, create=True)
    if name not in study_names(opened):
        return optuna.create_study(
            study_name=name,
            storage=opened,
            sampler=sampler,
            directions=[objective.direction for objective in objectives],
        )
    study = load_optuna_study(name, opened, sampler=sampler)
    _stored_spec(study, objectives, spec)
    return study


def write_spec(study: optuna.Study, objectives: Sequence[Objective], spec: StudySpec) -> None:
    """Write what the study is of, or what of it is not the same any more.

    Args:
        study: The study, which this process has claimed.
        objectives: What structures are judged by.
        spec: What it is of.

    Raises:
        StudyMismatchError: If the stored study is of something else.
    """
    stored = _stored_spec(study, objectives, spec)
    if stored is not None:
        now = replace(
            stored,
            sampler=spec.sampler,
            submodels=spec.submodels,
            racing=spec.racing,
            source=spec.source or stored.source,
        )
        if now != stored:
            study.set_user_attr(StudySpec.KEY, now.to_json())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([objective.name for objective in objectives])
    if any(objective.is_timed for objective in objectives):
        spec = replace(spec, machine={**spec.machine, "reference_ns": reference_time()})
    study.set_user_attr(StudySpec.KEY, spec.to_json())


def calibrated(plan: EvaluationPlan, study: optuna.Study) -> EvaluationPlan:
    """Let the plan's objectives measure as they did when the study began."""
    machine = StudySpec.of_study(study).machine
    return replace(plan, objectives=tuple(o.calibrated(machine) for o in plan.objectives))


def _stored_spec(
    study: optuna.Study, objectives: Sequence[Objective], spec: StudySpec
) -> StudySpec | None:
    """Read the spec, which must be of the same; None if a study was made and no more."""
    is_blank = StudySpec.KEY not in study.user_attrs and not study.get_trials(deepcopy=False)
    directions = [objective.direction for objective in objectives]
    if is_blank and [d.name.lower() for d in study.directions] == directions:
        return None
    stored = StudySpec.of_study(study)
    spec.check_same(stored, study.study_name)
    return stored
