"""Randomness as a function of (study seed, trial number, parameter name), never of the process.

A sampler that keeps its random state in memory repeats itself, or drifts, when a study is resumed.
Here every random stream is seeded anew before each use, so that a resumed study proposes what an
uninterrupted one would have.
"""

import hashlib
from collections.abc import Sequence
from threading import RLock
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optistruct.samplers.visits import Visits

__all__ = ["Seeded", "stream", "stream_seed"]

_TRIES = 8


def stream_seed(*key: object) -> int:
    """Hash a key, such as (seed, trial number, name), to a seed from 0 to 2**32 - 1."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def stream(*key: object) -> np.random.Generator:
    """Open the random stream of a key."""
    return np.random.default_rng(stream_seed(*key))


class Seeded:
    """Seeds the random streams of Optuna's sampler before each use, and asks it for news.

    A sampler that answers all parameters at once is asked up to 8 times for a structure that is not
    known; the eighth may be. Where it answers them one by one, an answer of finitely many values
    below which everything has been visited is exchanged for another. In continuous spaces nothing
    is moved: nothing there is ever exhausted.
    """

    def __init__(self, *, seed: int, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)  # type: ignore[call-arg]
        self._seed = seed
        self._visits = Visits()
        self._lock = RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lock, which cannot be copied."""
        return {key: value for key, value in vars(self).items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a lock of its own."""
        self.__dict__.update(state)
        self._lock = RLock()

    def reseed_rng(self) -> None:
        """Change nothing: every stream is seeded before each use."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample parameters together."""
        proposed: dict[str, Any] = {}
        for attempt in range(_TRIES):
            with self._lock:  # or another thread would draw from this trial's streams
                self._reseed("relative", trial.number, attempt)
                proposed = super().sample_relative(study, trial, search_space)  # type: ignore[misc]
            if not proposed or not self._visits.is_known(study, trial, proposed, search_space):
                break
        return proposed

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Sample a parameter by itself."""
        with self._lock:
            self._reseed("independent", trial.number, param_name)
            value = super().sample_independent(study, trial, param_name, param_distribution)  # type: ignore[misc]
        rng = stream(self._seed, "unvisited", trial.number, param_name)
        return self._visits.unvisited(study, trial, param_name, param_distribution, value, rng)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Stop `Study.optimize` when every structure has been visited."""
        super().after_trial(study, trial, state, values)  # type: ignore[misc]
        self._visits.stop_if_exhausted(study, trial, state)

    def _reseed(self, *key: object) -> None:
        self._rng.rng.seed(stream_seed(self._seed, "own", *key))  # type: ignore[attr-defined]
        self._random_sampler._rng.rng.seed(stream_seed(self._seed, "random", *key))  # type: ignore[attr-defined]
