"""Optuna's NSGA-II, NSGA-III and Gaussian processes, the same after a restart."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from optuna._gp.optim_sample import optimize_acqf_sample
from optuna.distributions import BaseDistribution
from optuna.samplers import GPSampler, NSGAIIISampler, NSGAIISampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial

from optistruct.exceptions import ArgumentError
from optistruct.samplers.seeding import Seeded, stream_seed

__all__ = ["SeededGP", "SeededNSGAII", "SeededNSGAIII"]


class _SeededGenetic(Seeded):
    """Chooses parents the same way whether now or when they are read back."""

    def select_parent(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Select a generation's parents from a random stream of its own.

        The trial that is the first to need them goes on with its own streams, as it does where the
        parents are read back.
        """
        generators = self._rng.rng, self._random_sampler._rng.rng  # type: ignore[attr-defined]
        states = [generator.get_state() for generator in generators]
        self._reseed("parents", generation)
        parents: list[FrozenTrial] = super().select_parent(study, generation)  # type: ignore[misc]
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        return parents

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Hand out a generation's parents in one order."""
        parents: Sequence[FrozenTrial] = super().get_parent_population(study, generation)  # type: ignore[misc]
        return sorted(parents, key=lambda trial: trial.number)


class SeededNSGAII(_SeededGenetic, NSGAIISampler):
    """Optuna's NSGA-II, the same after a restart."""


class SeededNSGAIII(_SeededGenetic, NSGAIIISampler):
    """Optuna's NSGA-III, the same after a restart."""


class SeededGP(Seeded, GPSampler):
    """Optuna's Gaussian processes, the same after a restart; they need PyTorch.

    They look for a point by climbing, which ends at the same one however often it is asked for,
    most of all at the end of a range. Where that one is known, the best of a random 512 is taken,
    and while that is known too, of fewer and fewer.

    Raises:
        ArgumentError: If PyTorch is not installed.
    """

    def __init__(self, *, seed: int, **kwargs: Any) -> None:
        if find_spec("torch") is None:
            raise ArgumentError('the sampler "gp" needs PyTorch: pip install "optistruct[gp]"')
        super().__init__(seed=seed, **kwargs)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """List the parameters that every trial has, of this study and not the one before."""
        with self._lock:
            self._intersection_search_space = IntersectionSearchSpace()
            return super().infer_relative_search_space(study, trial)

    def _sample_relative_impl(
        self,
        study: Study,
        completed_trials: list[FrozenTrial],
        running_trials: list[FrozenTrial],
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        # Optuna stores what it proposes: a trial that asks again would keep away from itself.
        others = [trial for trial in running_trials if trial.number != self._asking]
        return super()._sample_relative_impl(study, completed_trials, others, search_space)

    def _optimize_acqf(self, acqf: Any, best_params: Any) -> Any:
        if self._attempt == 0:
            with np.errstate(invalid="ignore"):  # one point so much better that the rest weigh 0
                return super()._optimize_acqf(acqf, best_params)
        n_samples = max(1, self._n_preliminary_samples // 4**self._attempt)
        return optimize_acqf_sample(acqf, n_samples=n_samples, rng=self._rng.rng)[0]

    def _reseed(self, *key: Any) -> None:
        self._rng.rng.seed(stream_seed(self._seed, "own", *key))
        self._independent_sampler._rng.rng.seed(  # type: ignore[attr-defined]
            stream_seed(self._seed, "random", *key)
        )
        self._gprs_cache_list = self._constraints_gprs_cache_list = None  # of another trial
        if key[0] == "relative":
            _, self._asking, self._attempt = key
