"""Keeps a sampler away from structures that its study has visited already."""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from copy import copy
from datetime import datetime
from threading import RLock
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optistruct.samplers.columns import cardinality, is_continuous
from optistruct.samplers.tree import StructureTree, key_of, keys_of, value_of

__all__ = ["Origin", "Visits", "origin"]

Origin = tuple[BaseStorage, int, datetime | None]
"""What tells studies apart; see `origin`."""

_Structure = frozenset[tuple[str, float]]


class Visits:
    """What the trials of a study have visited, read once for each trial that asks."""

    _origin: Origin | None
    _asking: tuple[Origin, int] | None
    _known: set[_Structure]
    _unread: list[FrozenTrial]
    _running: list[FrozenTrial]
    _n_trials: int
    _last_end: datetime

    def __init__(self) -> None:
        self._lock = RLock()
        self._forget()

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

    def was_all_visited(self, study: Study, trial: FrozenTrial) -> bool:
        """Tell whether the whole space had been visited when a trial began.

        Other threads may have visited the rest of it since; that is not the trial's fault.
        """
        with self._lock:
            self._refresh(study, trial)
            begin = trial.datetime_start or datetime.max
            return self._tree.is_visited and self._last_end <= begin

    def stop_if_exhausted(self, study: Study, trial: FrozenTrial, state: TrialState) -> None:
        """End `Study.optimize` when trials that have ended have visited the whole space.

        Args:
            study: The study.
            trial: The trial that is ending now, still recorded as running.
            state: How it ends.
        """
        ending = copy(trial)
        ending.state, ending.datetime_complete = state, datetime.now()
        with self._lock:
            self._refresh(study, None, ending)
            is_visited = self._tree.is_visited
        if is_visited:
            with suppress(RuntimeError):  # a study that is asked and told is stopped by its caller
                study.stop()

    def is_known(
        self,
        study: Study,
        trial: FrozenTrial,
        parameters: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
    ) -> bool:
        """Tell whether another trial has, or is evaluating, exactly these parameters."""
        with self._lock:
            self._refresh(study, trial)
            self._known.update(_structure(t.params, t.distributions) for t in self._unread)
            self._unread.clear()
            structure = _structure(parameters, distributions)
            return structure in self._known or any(
                _structure(other.params, other.distributions) == structure
                for other in self._running
                if other.number != trial.number
            )

    def closed_keys(
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> set[float]:
        """List the answers to a question below which nothing is left to visit.

        Args:
            study: The study.
            trial: The trial as far as it has been answered.
            name: The parameter that is asked for.
            distribution: What it is asked with, of finitely many values.

        Returns:
            Keys as of `tree.key_of`; see `StructureTree.closed_keys`.
        """
        with self._lock:
            self._refresh(study, trial)
            return self._tree.closed_keys(trial, name, distribution)

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
        if is_continuous(distribution):
            return value
        closed, key = (
            self.closed_keys(study, trial, name, distribution),
            key_of(distribution, value),
        )
        if key not in closed:
            return value
        if isinstance(distribution, CategoricalDistribution):
            keys = [key for key in keys_of(distribution) if key not in closed]
            return value_of(distribution, int(rng.choice(keys))) if keys else value
        nearest = _nearest_open(int(key), closed, int(cardinality(distribution)))
        return value if nearest is None else value_of(distribution, nearest)

    def _refresh(
        self, study: Study, current: FrozenTrial | None, ending: FrozenTrial | None = None
    ) -> None:
        """Read the trials, once for each trial that asks.

        Args:
            study: The study.
            current: The trial that asks now, if one does.
            ending: The trial that is ending now, as it will be.
        """
        asking = (origin(study, [current]), current.number) if current else None
        if asking and asking == self._asking:
            return
        trials = study.get_trials(deepcopy=False)
        if self._origin != origin(study, trials) or len(trials) < self._n_trials:
            self._forget()
        if ending:
            trials = [ending if trial.number == ending.number else trial for trial in trials]
        ended = self._tree.refresh(trials, current.number if current else None)
        ends = [other.datetime_complete for other in ended if other.datetime_complete]
        self._last_end = max([self._last_end, *ends])
        self._unread += ended
        self._running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        self._origin, self._n_trials, self._asking = origin(study, trials), len(trials), asking

    def _forget(self) -> None:
        self._origin = None
        self._tree = StructureTree()
        self._known = set()
        self._unread = []  # trials that have ended and are not in `_known` yet
        self._running = []
        self._n_trials = 0
        self._last_end = datetime.min
        self._asking = None


def origin(study: Study, trials: Sequence[FrozenTrial]) -> Origin:
    """Tell a study from others, also from a deleted one of which SQLite gave it the number."""
    return study._storage, study._study_id, trials[0].datetime_start if trials else None


def _structure(
    parameters: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
) -> _Structure:
    """Make a key of parameters: a list as a choice has no hash, and NaN does not equal itself."""
    return frozenset(
        (name, float(distributions[name].to_internal_repr(value)))
        for name, value in parameters.items()
    )


def _nearest_open(key: int, closed: Set[float], count: int) -> int | None:
    """Find the nearest of a range's places that is not closed."""
    for apart in range(1, count):
        for place in (key - apart, key + apart):
            if 0 <= place < count and place not in closed:
                return place
    return None
