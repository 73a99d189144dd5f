"""What values a structure will have, guessed from those evaluated: a trend, and trees for the rest.

A ridge regression takes what parameters do one by one, which is most of a cost on a logarithmic
scale, and goes on beyond what has been seen. Extremely randomised trees (Geurts, Ernst and
Wehenkel, 2006) take the rest: conditions and interactions. They need no tuning, take conditional
structures as they are, and the spread of their answers says how sure they are.

To be cheap to ask in a long study, the trees of an ensemble are not all fitted anew at every trial
but take turns; which trials each one knows is a function of the number of trials, so that a study
that is resumed makes the same ensemble.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.tree import ExtraTreeRegressor

from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.seeding import stream_seed

__all__ = ["Surrogate", "features"]

_A_LONGER_STEP = 100
_PENALTY = 0.1
_ABSENT = -1.0


@dataclass(frozen=True)
class _Member:
    """A trend and a tree for what it leaves, which know the first so many structures."""

    known: int
    trend: Ridge
    tree: ExtraTreeRegressor

    def predict(self, X: Numbers, X_trend: Numbers) -> Numbers:
        # without scikit-learn's checks of X, which would take most of the time
        trend = X_trend @ self.trend.coef_ + self.trend.intercept_
        guesses: Numbers = trend + self.tree.tree_.predict(X).ravel()
        return guesses


class Surrogate:
    """An ensemble for one quantity.

    Args:
        seed: Seed of the trees.
        trees: How many.
    """

    def __init__(self, seed: int, trees: int) -> None:
        self._seed = seed
        self._members: list[_Member | None] = [None] * trees

    def fit(self, X: Numbers, y: Numbers) -> None:
        """Learn from evaluated structures, in order of their trials; each tree in its turn.

        Args:
            X: (n, n_features) features of the structures.
            y: (n,) what is to be guessed.
        """
        X_trend = _trend_features(X)
        trends: dict[int, Ridge] = {}
        for i, member in enumerate(self._members):
            known = _known_to(i, len(X), member.known if member else 0)
            if member is not None and member.known == known:
                continue
            if known not in trends:
                trends[known] = Ridge(alpha=_PENALTY).fit(X_trend[:known], y[:known])
            rest = y[:known] - trends[known].predict(X_trend[:known])
            tree = ExtraTreeRegressor(random_state=stream_seed(self._seed, i, known))
            tree.fit(X[:known], rest, check_input=False)
            self._members[i] = _Member(known, trends[known], tree)

    def predict(self, X: Numbers) -> tuple[Numbers, Numbers]:
        """Guess for structures.

        Args:
            X: (n, n_features) features.

        Returns:
            (n,) the members' mean, and (n,) their standard deviation.
        """
        X_trend = _trend_features(X)
        guesses = np.array([member.predict(X, X_trend) for member in self._members if member])
        return guesses.mean(axis=0), guesses.std(axis=0)


def _known_to(i: int, n: int, start: int) -> int:
    """Tell how many of n structures a member knows: the last that is due of a series of its own.

    A series goes on by one, and by one more for every 100 that are known, so that each trial lets
    a few members learn anew.

    Args:
        i: Place of the member.
        n: Number of structures.
        start: How many it knew the last time, from where the search for it begins.
    """
    known = start if i < start <= n else min(i + 1, n)
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
