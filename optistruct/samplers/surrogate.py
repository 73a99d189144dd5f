"""What values a structure will have, guessed from those evaluated: a trend, and trees for the rest.

A ridge regression takes what parameters do one by one, which is most of a cost on a logarithmic
scale, and goes on beyond what has been seen. Extremely randomised trees (Geurts, Ernst and
Wehenkel, 2006) take the rest: conditions and interactions. They need no tuning, take conditional
structures as they are, and the spread of their answers says how sure they are.

To be cheap to ask in a long study, an ensemble is not fitted anew at every trial, but each time
that there are one in a hundred more. How many trials it knows is a function of their number, so
that a study that is resumed makes the same ensemble.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.tree import ExtraTreeRegressor

from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.seeding import stream_seed

__all__ = ["Surrogate", "features"]

_A_LONGER_STEP = 100
_PENALTY = 0.1
_ABSENT = -1.0


class Surrogate:
    """An ensemble for one quantity: a trend, and trees for what it leaves.

    Args:
        seed: Seed of the trees.
        trees: How many.
    """

    def __init__(self, seed: int, trees: int) -> None:
        self._seed = seed
        self._number = trees
        self._known = 0
        self._trend = Ridge(alpha=_PENALTY)
        self._trees: list[ExtraTreeRegressor] = []

    def fit(self, X: Numbers, y: Numbers) -> None:
        """Learn from evaluated structures, in order of their trials, if there are enough new ones.

        Args:
            X: (n, n_features) features of the structures.
            y: (n,) what is to be guessed.
        """
        known = _due(len(X))
        if known == self._known:
            return
        self._known, X, y = known, X[:known], y[:known]
        X_trend = _trend_features(X)
        rest = y - self._trend.fit(X_trend, y).predict(X_trend)
        self._trees = [
            ExtraTreeRegressor(random_state=stream_seed(self._seed, i, known)).fit(
                X, rest, check_input=False
            )
            for i in range(self._number)
        ]

    def predict(self, X: Numbers) -> tuple[Numbers, Numbers]:
        """Guess for structures.

        Args:
            X: (n, n_features) features.

        Returns:
            (n,) the trees' mean, with the trend, and (n,) their standard deviation.
        """
        # without scikit-learn's checks of X, which would take most of the time
        trend = _trend_features(X) @ self._trend.coef_ + self._trend.intercept_
        rest = np.array([tree.tree_.predict(X).ravel() for tree in self._trees])
        return trend + rest.mean(axis=0), rest.std(axis=0)


def _due(n: int) -> int:
    """Tell how many of n structures are known: a series that goes on by 1 in 100, at least by 1."""
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
