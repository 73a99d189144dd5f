"""A study opened from its database alone."""

from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage

from optistruct import recipe, samplers
from optistruct.exceptions import ArgumentError
from optistruct.founding import storage_of
from optistruct.launch import DEFAULT_STORAGE
from optistruct.spaces import Space
from optistruct.spec import StudySpec
from optistruct.storage import load_optuna_study, open_storage
from optistruct.study import StructureStudy

__all__ = ["load_study"]


def load_study(
    name: str,
    storage: str | BaseStorage = DEFAULT_STORAGE,
    *,
    space: Space | None = None,
    sampler: str | BaseSampler | None = None,
) -> StructureStudy:
    """Open a study from its database.

    Where it is searched on, the structures that its space names as good first ones are not added;
    those that were enqueued when it was made are still tried.

    Args:
        name: Name of the study.
        storage: The database URL, or an Optuna storage.
        space: The study's space, where it is a function that cannot be imported by name (one of
            a script or a notebook); needed only to build structures or search on.
        sampler: The sampler to search on with; by default the study's own, which must then be one
            that has a name.

    Raises:
        ArgumentError: If the sampler cannot be used.
        StorageError: If the database cannot be opened.
        StudyNotFoundError: If it holds no study of this name.
        StudyMismatchError: If the study was not made by optistruct.
    """
    storage = storage_of(name, storage)
    opened = open_storage(storage)
    spec = StudySpec.of_study(load_optuna_study(name, opened))
    is_known = sampler is None and _can_be_made(spec.sampler)
    study = StructureStudy(
        space or recipe.restore(spec.space),
        spec.objectives,
        name=name,
        storage=storage,
        sampler=sampler or (spec.sampler if is_known else "random"),
        cv=recipe.restore(spec.cv),
        seed=spec.seed,
        defaults=False,  # whether the study was to begin with them is not in its database
        submodels=spec.submodels,
        racing=spec.racing,
    )
    study._lost_sampler = None if sampler or is_known else spec.sampler
    return study


def _can_be_made(sampler: str) -> bool:
    try:
        samplers.by_name(sampler)
    except ArgumentError:  # unknown, or of a package that is not installed
        return False
    return True
