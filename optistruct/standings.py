"""The front as a race sees it: what its members scored in every fold, and how much that varies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from optistruct import pareto
from optistruct.evaluation import Race, fold_losses
from optistruct.objectives import Objective
from optistruct.unfolding import losses, unfold

__all__ = ["Standings"]

_FEWEST = 10  # structures from which it is told how much differences vary
_MOST = 200

_Numbers = NDArray[np.float64]


class Standings:
    """Keeps what complete trials measured in every fold, as far as a race needs it.

    Args:
        objectives: What structures are judged by.
        folds: Number of folds.
    """

    def __init__(self, objectives: Sequence[Objective], folds: int) -> None:
        self._objectives = objectives
        shape = (0, folds, len(objectives))
        # values in each fold, and of the front the losses, too
        self._front: _Numbers = np.empty(shape)
        self._losses: _Numbers = np.empty((0, len(objectives)))
        self._latest: _Numbers = np.empty(shape)

    def add(self, trial: FrozenTrial) -> None:
        """Take in what a complete trial measured.

        Submodels count as members of the front only, but that the largest stands for its trial
        where the trial's own structure was not measured in every fold. Of members that are equal in
        every fold, as the same submodel of several trials is, one is kept; the order of all is that
        of their values, in whatever order trials end.
        """
        measured = [one for one in unfold(trial, self._objectives, {}) if one.folds]
        if not measured:
            return
        columns = [[one.folds[o.name] for one in measured] for o in self._objectives]
        values = np.stack(columns, axis=2)
        standing = values[:1] if measured[0].submodel is None else values[-1:]
        self._latest = np.concatenate([self._latest, standing])[-_MOST:]
        is_feasible = [one.is_feasible for one in measured]
        front = np.concatenate([self._front, values[is_feasible]])
        theirs = losses([one.values for one in measured], self._objectives)[is_feasible]
        front_losses = np.concatenate([self._losses, theirs])
        members = np.flatnonzero(pareto.is_nondominated(front_losses))
        _, first = np.unique(front[members], axis=0, return_index=True)
        self._front, self._losses = front[members[first]], front_losses[members[first]]

    def race(self) -> Race | None:
        """Lay down the race for the next structure; None while too little is known."""
        folds = self._front.shape[1]
        if folds < 2 or len(self._latest) < _FEWEST or not len(self._front):
            return None
        latest, front = (
            each - each.mean(axis=1, keepdims=True)
            for each in (fold_losses(self._objectives, x) for x in (self._latest, self._front))
        )
        # for each rival the mean, over the latest, of the variance of their differences
        products = latest.mean(axis=0) * front
        squares = (latest**2).mean(axis=0) + front**2
        variance = np.maximum((squares - 2 * products).sum(axis=1) / (folds - 1), 0.0)
        spread = np.sqrt(np.maximum(variance, variance.mean(axis=0)))
        return Race(self._objectives, self._front, spread)
