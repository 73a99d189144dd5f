"""Randomness as a function of (study seed, trial number, parameter name), never of the process.

A sampler that keeps its random state in memory repeats itself, or drifts, when a study is resumed.
Here every random stream is seeded anew before each use, so that a resumed study proposes what an
uninterrupted one would have.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import NSGAIISampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

__all__ = ["SeededNSGAII", "SeededTPE", "stream_seed"]


def stream_seed(*key: object) -> int:
    """Hash a key, such as (seed, trial number, name), to a seed from 0 to 2**32 - 1."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:4], "big")


class _Seeded:
    """Seeds the random streams of Optuna's sampler before each use."""

    def __init__(self, *, seed: int, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)  # type: ignore[call-arg]
        self._seed = seed

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        self._reseed("relative", trial.number)
        return super().sample_relative(study, trial, search_space)  # type: ignore[misc,no-any-return]

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        self._reseed("independent", trial.number, param_name)
        return super().sample_independent(study, trial, param_name, param_distribution)  # type: ignore[misc]

    def _reseed(self, *key: object) -> None:
        self._rng.rng.seed(stream_seed(self._seed, "own", *key))  # type: ignore[attr-defined]
        self._random_sampler._rng.rng.seed(stream_seed(self._seed, "random", *key))  # type: ignore[attr-defined]


class SeededTPE(_Seeded, TPESampler):
    """Optuna's tree-structured Parzen estimator, the same after a restart."""


class SeededNSGAII(_Seeded, NSGAIISampler):
    """Optuna's NSGA-II, the same after a restart."""

    def select_parent(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Select a generation's parents from a random stream of its own."""
        self._reseed("parents", generation)
        return super().select_parent(study, generation)

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Hand out a generation's parents in one order, whether chosen now or read back."""
        parents: Sequence[FrozenTrial] = super().get_parent_population(study, generation)
        return sorted(parents, key=lambda trial: trial.number)
