"""Optuna storages: opened, held by one process, and quick for the one that writes."""

from optistruct.storage.opening import (
    claimed,
    load_optuna_study,
    open_storage,
    running_trials,
    study_names,
)
from optistruct.storage.remembering import RememberingStorage, gathered

__all__ = [
    "RememberingStorage",
    "claimed",
    "gathered",
    "load_optuna_study",
    "open_storage",
    "running_trials",
    "study_names",
]
