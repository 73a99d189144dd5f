"""Keeps a sampler away from structures that its study has visited already."""

import math
from collections.abc import Mapping
from contextlib import suppress
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optistruct.samplers.columns import cardinality
from optistruct.samplers.tree import StructureTree, key_of, value_of

__all__ = ["Visits"]


class Visits:
    """What the trials of a study have visited, read once for each trial that asks."""

    _study: tuple[BaseStorage, int] | None
    _current: int | None
    _under_way: set[frozenset[tuple[str, Any]]]

    def __init__(self) -> None:
        self._lock = RLock()
        self._forget(None)

    def __getstate__(self) -> dict[str, Any]:
        """Leave everything out: it is read off the trials again."""
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin with nothing read."""
        self.__init__()  # type: ignore[misc]

    def is_exhausted(self, study: Study) -> bool:
        """Tell whether every structure of the space has been visited, or is being."""
        with self._lock:
            self._refresh(study, None)
            return self._tree.is_exhausted

    def stop_if_exhausted(self, study: Study) -> None:
        """End `Study.optimize` when every structure of the space has been visited."""
        if self.is_exhausted(study):
            with suppress(RuntimeError):  # a study that is asked and told is stopped by its caller
                study.stop()

    def is_known(self, study: Study, trial: FrozenTrial, parameters: Mapping[str, Any]) -> bool:
        """Tell whether another trial has, or is evaluating, exactly these parameters."""
        with self._lock:
            self._refresh(study, trial.number)
            structure = frozenset(parameters.items())
            return structure in self._known or structure in self._under_way

    def open_keys(
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> NDArray[np.intp]:
        """List the answers to a question below which something is left to visit.

        Args:
            study: The study.
            trial: The trial as far as it has been answered.
            name: The parameter that is asked for.
            distribution: What it is asked with, of finitely many values.

        Returns:
            The places of the values in the distribution's own order; see `tree.value_of`.
        """
        with self._lock:
            self._refresh(study, trial.number)
            return self._tree.open_keys(trial, name, distribution)

    def unvisited(
        self,
        study: Study,
        trial: FrozenTrial,
        name: str,
        distribution: BaseDistribution,
        value: Any,
        rng: np.random.Generator,
    ) -> Any:
        """Take an answer, or another one where all below it has been visited.

        Args:
            study: The study.
            trial: The trial as far as it has been answered.
            name: The parameter that is asked for.
            distribution: What it is asked with.
            value: The answer that is wanted.
            rng: Draws another category.

        Returns:
            The value; else the nearest number, or any category, below which something is left;
            the value all the same where there is none.
        """
        if math.isinf(cardinality(distribution)):
            return value
        keys, key = self.open_keys(study, trial, name, distribution), key_of(distribution, value)
        if not keys.size or key in keys:
            return value
        if isinstance(distribution, CategoricalDistribution):
            return value_of(distribution, int(rng.choice(keys)))
        return value_of(distribution, int(keys[np.abs(keys - key).argmin()]))

    def _refresh(self, study: Study, current: int | None) -> None:
        if self._study != (study._storage, study._study_id):
            self._forget((study._storage, study._study_id))
        if current is None or current != self._current:
            trials = study.get_trials(deepcopy=False)
            ended = self._tree.refresh(trials, current)
            self._known.update(frozenset(trial.params.items()) for trial in ended)
            self._under_way = {
                frozenset(trial.params.items())
                for trial in trials
                if trial.state == TrialState.RUNNING and trial.number != current
            }
            self._current = current

    def _forget(self, study: tuple[BaseStorage, int] | None) -> None:
        self._study = study
        self._tree = StructureTree()
        self._known: set[frozenset[tuple[str, Any]]] = set()
        self._under_way = set()
        self._current = None
