"""Optuna's TPE, the same after a restart, and quicker.

Optuna divides all trials into good and bad anew for each parameter. Here they are divided once a
trial, what is read off a trial that has ended is remembered, and arrays take the place of loops.
What is proposed is the same, but for rounding. It needs private parts of Optuna: the estimator, and
how trials are divided; tests/samplers/test_tpe.py compares all that they do with Optuna's sampler.
"""

from functools import lru_cache
from operator import is_
from typing import Any, NamedTuple

import moocore
import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.probability_distributions import (
    _BatchedCategoricalDistributions,
    _MixtureOfProductDistribution,
    _unique_inverse_2d,
)
from optuna.samplers._tpe.sampler import (
    _get_infeasible_trial_score,
    _get_reference_point,
    _split_complete_trials,
    _split_infeasible_trials,
    _split_pruned_trials,
    default_gamma,
    default_gamma_multiobjective,
)
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy.special import log_ndtr

from optistruct.samplers.seeding import Seeded

__all__ = ["SeededTPE"]

_Array = NDArray[np.float64]
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class _Division(NamedTuple):
    trials: list[FrozenTrial]
    running: list[FrozenTrial]
    good: list[dict[str, Any]]
    bad: list[dict[str, Any]]


class _Estimator(_ParzenEstimator):
    """Optuna's estimator of a density, computed in whole arrays.

    Optuna does without SciPy and takes the logarithm of the normal distribution's mass number by
    number, in Python; that is much of what its TPE costs in a space with integers.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._mixture_distribution = _Mixture(*self._mixture_distribution)


class _Mixture(_MixtureOfProductDistribution):
    def log_pdf(self, x: _Array) -> _Array:
        """Take the logarithm of the density at each row of (points, parameters)."""
        density = np.log(self.weights)[np.newaxis]
        for kernels, column in zip(self.distributions, x.T, strict=True):
            density = density + _log_density(kernels, column)
        peak = density.max(axis=1, keepdims=True)
        total: _Array = np.log(np.exp(density - peak).sum(axis=1)) + peak[:, 0]
        return total


def _log_density(kernels: Any, x: _Array) -> Any:
    """Take the logarithm of each kernel's density: (points, kernels)."""
    if isinstance(kernels, _BatchedCategoricalDistributions):
        return np.log(kernels.weights).T[x.astype(int)]
    scaled = np.log if kernels.is_log else np.asarray
    low, high = kernels.adapted_low, kernels.adapted_high
    if kernels.step:
        mu, sigma, place = _unique_inverse_2d(kernels.mu, kernels.sigma)
        points, index = np.unique(x, return_inverse=True)
        half = kernels.step / 2
        left, right = scaled(points - half)[:, np.newaxis], scaled(points + half)[:, np.newaxis]
        density = _log_mass((left - mu) / sigma, (right - mu) / sigma)
        density -= _log_mass((low - mu) / sigma, (high - mu) / sigma)
        return density[np.ix_(index, place)]
    mu, sigma = kernels.mu, kernels.sigma
    z = (scaled(x)[:, np.newaxis] - mu) / sigma
    inside = _log_mass((low - mu) / sigma, (high - mu) / sigma)
    return -(z**2) / 2 - (np.log(2 * np.pi) / 2 + np.log(sigma) + inside)


def _log_mass(low: _Array, high: _Array) -> Any:
    """Take the logarithm of the standard normal distribution's mass between two bounds."""
    is_right = low > 0  # that tail is near 1, where differences are lost: mirror it
    low, high = np.where(is_right, -high, low), np.where(is_right, -low, high)
    above = log_ndtr(high)
    return above + np.log1p(-np.exp(log_ndtr(low) - above))


def _internal(values: list[Any], kind: BaseDistribution) -> _Array:
    if isinstance(kind, CategoricalDistribution):
        values = [kind.to_internal_repr(value) for value in values]
    return np.asarray(values, dtype=float)


def _split_complete(
    trials: list[FrozenTrial], study: Study, n_good: int
) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
    """Call the first fronts good, and of the last the trials that together dominate most."""
    losses = np.array([trial.values for trial in trials])
    is_all = not 0 < n_good < len(trials)
    if len(study.directions) < 3 or is_all or not np.isfinite(losses).all():
        return _split_complete_trials(trials, study, n_good)
    losses *= [-1 if way == StudyDirection.MAXIMIZE else 1 for way in study.directions]
    ranks = moocore.pareto_rank(losses)
    last = np.sort(ranks)[n_good]  # the first front that is not good as a whole
    is_good = ranks < last
    tied = np.flatnonzero(ranks == last)
    front = losses[tied]
    is_good[tied[_most_volume(front.tobytes(), front.shape, n_good - is_good.sum())]] = True
    good = [trial for trial, is_in in zip(trials, is_good, strict=True) if is_in]
    return good, [trial for trial, is_in in zip(trials, is_good, strict=True) if not is_in]


@lru_cache(1)  # most trials are not of the front, and leave it as it was
def _most_volume(front: bytes, shape: tuple[int, int], n: int) -> list[int]:
    """Choose n points of a front, each the one that adds most volume to those before.

    What a point adds only shrinks, so it is measured anew only where it may be the most. Optuna
    does so in Python, which takes 0.4 s for 100 of 1,000 points with three objectives.
    """
    losses = np.frombuffer(front).reshape(shape)
    reference = _get_reference_point(losses)
    alone = np.prod(reference - losses, axis=1)
    gains = alone.copy()
    measured = np.zeros(len(losses), dtype=int)  # beside how many points
    points = np.empty((n, shape[1]))
    chosen: list[int] = []
    volume = 0.0
    for k in range(n):
        while measured[best := int(gains.argmax())] < k:
            points[k] = losses[best]
            gains[best] = moocore.hypervolume(points[: k + 1], ref=reference) - volume
            measured[best] = k
        points[k] = losses[best]
        chosen.append(best)
        volume += gains[best]
        shared = np.prod(reference - np.maximum(losses, losses[best]), axis=1)
        gains = np.minimum(gains, alone - shared)
        gains[best] = -np.inf
    return chosen


class SeededTPE(Seeded, TPESampler):
    """Optuna's tree-structured Parzen estimator, the same after a restart.

    Takes what `optuna.samplers.TPESampler` takes, and a seed.
    """

    def __init__(self, *, seed: int, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self._division = _Division([], [], [], [])
        self._violations: dict[int, tuple[FrozenTrial, float]] = {}  # by number

    def _sample(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw candidates where good trials are dense, and take the one least like bad ones."""
        division = self._divide(study, trial)
        good = self._estimate(division.good, search_space, study._is_multi_objective())
        bad = self._estimate(division.bad, search_space, False)
        candidates = good.sample(self._rng.rng, self._n_ei_candidates)
        best = self._compare(candidates, self._compute_acquisition_func(candidates, good, bad))
        return {name: kind.to_external_repr(best[name]) for name, kind in search_space.items()}

    def _divide(self, study: Study, trial: FrozenTrial) -> _Division:
        """Divide the other trials, unless they are those that were divided last."""
        trials = study._get_trials(deepcopy=False, use_cache=True)  # one list in one trial
        running: list[FrozenTrial] = []
        if self._constant_liar:
            there = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            running = [other for other in there if other.number != trial.number]
        last = self._division
        # Storages never change a trial that they handed out, but replace it.
        is_same = len(last.running) == len(running) and all(map(is_, last.running, running))
        if trials is last.trials and is_same:
            return last
        good, bad = self._split(study, [t for t in trials if t.state in _ENDED])
        bad = sorted(bad + running, key=lambda other: other.number)
        self._division = division = _Division(
            trials, running, [t.params for t in good], [self._get_params(t, study) for t in bad]
        )
        return division

    def _split(
        self, study: Study, trials: list[FrozenTrial]
    ) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
        """Call the best trials good: first complete ones, then pruned, then infeasible ones."""
        is_single = not study._is_multi_objective()
        gamma = self._gamma or (default_gamma if is_single else default_gamma_multiobjective)
        n_good = gamma(len(trials))
        complete: list[FrozenTrial] = []
        pruned: list[FrozenTrial] = []
        infeasible: list[FrozenTrial] = []
        for trial in trials:
            if self._violation(trial) > 0:
                infeasible.append(trial)
            else:
                (complete if trial.state == TrialState.COMPLETE else pruned).append(trial)
        good, bad = _split_complete(complete, study, n_good)
        more_good, more_bad = _split_pruned_trials(pruned, study, max(0, n_good - len(good)))
        good, bad = good + more_good, bad + more_bad
        more_good, more_bad = _split_infeasible_trials(infeasible, max(0, n_good - len(good)))
        return sorted(good + more_good, key=lambda trial: trial.number), bad + more_bad

    def _violation(self, trial: FrozenTrial) -> float:
        known = self._violations.get(trial.number)
        if known is None or known[0] is not trial:  # another study's, perhaps
            known = self._violations[trial.number] = (trial, _get_infeasible_trial_score(trial))
        return known[1]

    def _estimate(
        self, trials: list[dict[str, Any]], search_space: dict[str, BaseDistribution], is_even: bool
    ) -> _Estimator:
        """Estimate the density of trials; where it is not even, late ones weigh more."""
        fitting = trials
        for name in search_space:
            fitting = [params for params in fitting if name in params]
        observations = {
            name: _internal([params[name] for params in fitting], kind)
            for name, kind in search_space.items()
        }
        weights = np.ones(len(fitting)) if is_even else None
        return _Estimator(observations, search_space, self._parzen_estimator_parameters, weights)
