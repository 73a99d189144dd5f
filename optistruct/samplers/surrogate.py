"""What values a structure will have, guessed from those evaluated: a trend, and trees for the rest.

A ridge regression takes what parameters do one by one, which is most of a cost on a logarithmic
scale, and goes on beyond what has been seen. Extremely randomised trees (Geurts, Ernst and
Wehenkel, 2006) take the rest: conditions and interactions. They need no tuning, take conditional
structures as they are, and the spread of their answers says how sure they are.

Costs add up, but errors rather multiply, and the worst of them, many and large, would hide the
differences between good structures. So values are guessed as they are or on the logarithm of their
distance from the best: on the scale on which the trend foretells left-out structures better.

To be cheap to ask in a long study, an ensemble is not fitted anew at every trial, but each time
that there are one in a hundred more. How many trials it knows is a function of their number, so
that a study that is resumed makes the same ensemble.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.tree import ExtraTreeRegressor
from sklearn.utils import check_random_state

from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.seeding import stream_seed

__all__ = ["Surrogate", "features", "learnable"]

_A_LONGER_STEP = 100
_PENALTIES = (0.1, 1.0, 10.0)
_FEW = 5  # structures, of which none is left out to choose by
_UNIT = 0.25  # quantile of the distances from the best up to which the logarithm is nearly straight
_ABSENT = -1.0


@dataclass(frozen=True)
class _Scale:
    """log(1 + (value - best) / unit); the value itself where the unit is 0."""

    best: float = 0.0
    unit: float = 0.0
    most: float = np.inf

    @classmethod
    def logarithmic(cls, values: Numbers) -> "_Scale":
        """Put the unit where a quarter of the values is nearer to the best."""
        best = float(values.min())
        scale = cls(best, float(np.quantile(values - best, _UNIT)))
        return cls(best, scale.unit, float(scale.bend(values).max()))

    def bend(self, values: Numbers) -> Numbers:
        return np.log1p((values - self.best) / self.unit) if self.unit else values

    def straighten(self, bent: Numbers) -> Numbers:
        """Turn guesses into values again, of which none is worse than the worst on a log scale."""
        if not self.unit:
            return bent
        return self.best + self.unit * np.expm1(np.minimum(bent, self.most))


class _Trend(NamedTuple):
    """What features add one by one."""

    weights: Numbers
    intercept: float

    def of(self, X: Numbers) -> Numbers:
        """Tell the trend of structures of (n, n_features)."""
        trend: Numbers = X @ self.weights + self.intercept
        return trend


class Surrogate:
    """An ensemble for one quantity: a trend, and trees for what it leaves.

    Args:
        seed: Seed of the trees.
        trees: How many.
    """

    def __init__(self, seed: int, trees: int) -> None:
        self._seed = seed
        self._number = trees
        self._X, self._y = np.empty((0, 0)), np.empty(0)
        self._scale = _Scale()
        self._trend = _Trend(np.empty(0), 0.0)
        self._trees: list[ExtraTreeRegressor] = []

    def fit(self, X: Numbers, y: Numbers) -> None:
        """Learn from evaluated structures, in order of their trials, if there are enough new ones.

        Args:
            X: (n, n_features) features of the structures.
            y: (n,) what is to be guessed, the smaller the better.
        """
        known = learnable(len(X))
        X, y = X[:known], y[:known]
        if np.array_equal(X, self._X) and np.array_equal(y, self._y):
            return
        self._X, self._y = X, y
        X_trend = _trend_features(X)
        # without checks, which would take a sixth of the time
        with config_context(assume_finite=True, skip_parameter_validation=True):
            self._scale, self._trend = _best_trend(X_trend, y)
            rest = self._scale.bend(y) - self._trend.of(X_trend)
            rng = check_random_state(stream_seed(self._seed, known))
            self._trees = [
                ExtraTreeRegressor(random_state=rng).fit(X, rest, check_input=False)
                for _ in range(self._number)
            ]

    def predict(self, X: Numbers, optimism: float = 0.0) -> Numbers:
        """Guess for structures.

        Args:
            X: (n, n_features) features.
            optimism: By how many standard deviations of the trees they are taken to be better.

        Returns:
            (n,) guesses.
        """
        trend = self._trend.of(_trend_features(X))
        # without scikit-learn's checks of X, which would take most of the time
        rest = np.array([tree.tree_.predict(X).ravel() for tree in self._trees])
        return self._scale.straighten(trend + rest.mean(axis=0) - optimism * rest.std(axis=0))


def _best_trend(X: Numbers, y: Numbers) -> tuple[_Scale, _Trend]:
    """Choose scale and penalty by the share of the variance that left-out structures leave."""
    if len(y) < _FEW or y.min() == y.max():
        trend = Ridge(alpha=_PENALTIES[-1]).fit(X, y)
        return _Scale(), _Trend(trend.coef_, trend.intercept_)
    scales = _Scale(), _Scale.logarithmic(y)
    bent = np.column_stack([scale.bend(y) for scale in scales])
    trends = RidgeCV(alphas=_PENALTIES, alpha_per_target=True).fit(X, bent)
    best = int((trends.best_score_ / bent.var(axis=0)).argmax())
    return scales[best], _Trend(trends.coef_[best], trends.intercept_[best])


def learnable(n: int) -> int:
    """Tell how many of n structures are learnt: 1 in 100 more each time, at least 1 more."""
    known = 1
    while (following := known + 1 + known // _A_LONGER_STEP) <= n:
        known = following
    return known


def features(columns: Sequence[Column], rows: Numbers) -> Numbers:
    """Turn structures into features.

    A category becomes one feature a choice, and where several categories have the same choices
    (the layers of a network, the edges of a cell), so does how many of them took each. A number
    that a structure does not have is -1.

    Args:
        columns: The parameters.
        rows: (n, n_columns) structures.

    Returns:
        (n, n_features) array of 32-bit floats.
    """
    parts: list[Numbers] = []
    alike = defaultdict(list)
    for column, numbers in zip(columns, rows.T, strict=True):
        if column.is_category and column.levels is not None and len(column.levels) > 2:
            taken = (numbers[:, np.newaxis] == column.levels).astype(float)
            parts.append(taken)
            alike[repr(column.distribution)].append(taken)
        else:
            parts.append(np.nan_to_num(numbers, nan=_ABSENT)[:, np.newaxis])
    parts += [np.sum(taken, axis=0) for taken in alike.values() if len(taken) > 1]
    return np.ascontiguousarray(np.hstack(parts), dtype=np.float32)


def _trend_features(X: Numbers) -> Numbers:
    """Let what a structure does not have add nothing."""
    return np.maximum(X, 0.0).astype(float)
