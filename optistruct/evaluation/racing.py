"""Racing over folds: a structure that is surely dominated is not fitted on the folds that are left.

After each fold a structure and each of its submodels are compared with the members of the front, on
the folds that both have seen, pairwise (Maron and Moore, "Hoeffding races", 1994; with dominance
for the order, Zhang, Georgiopoulos and Anagnostopoulos, "S-Race", 2013). Folds are hard or easy for
all structures alike, so that a paired difference varies far less than a score. What is larger than
the largest of them that is not dominated is let go: that one is fitted on the folds that are left,
and brings those that are smaller with it.

The bound. Let a structure and a rival differ by d in the mean over the f folds so far, and let
their differences vary by a standard deviation s from fold to fold. Folds are drawn without
replacement from the K there are, so the mean over all of them differs from d by
s sqrt(1/f - 1/K), taken to be normal. If the structure is not dominated, it is better than the
rival in some objective; that its d is then worse by z s sqrt(1/f - 1/K) or more has a probability
of 1 - Phi(z) at most, and over the K - 1 looks, by the choice of z, of 5 %. That is for each rival,
and for each structure by itself: a submodel, too, is let go only at a look at which it is judged to
be dominated. The s of a structure at hand is not known: it is pooled over earlier structures with
this rival, or with all rivals, or it is that of the folds so far, whichever is largest, so that a
structure that varies more than others, as small ones do, is not dropped more often. The pooled one
alone does not keep the rate. On a log scale differences are those of `Objective.fold_losses`, so
that the mean over all folds is what the front goes by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from optistruct.objectives import Objective

__all__ = ["ERROR_RATE", "Race", "fold_losses"]

ERROR_RATE = 0.05
"""Probability that a structure that one rival does not dominate is taken to be dominated by it."""

_Numbers = NDArray[np.float64]


def fold_losses(objectives: Sequence[Objective], values: _Numbers) -> _Numbers:
    """Turn (..., folds, n_objectives) values into losses; see `Objective.fold_losses`."""
    columns = [o.fold_losses(values[..., place]) for place, o in enumerate(objectives)]
    return np.stack(columns, axis=-1)


@dataclass(frozen=True, eq=False)
class Race:
    """What a structure, or a submodel of it, must keep up with to be fitted on further folds.

    Attributes:
        objectives: What structures are judged by.
        rivals: (n_rivals, folds, n_objectives) values of the front's members in each fold.
        spread: (n_rivals, n_objectives) standard deviation, from fold to fold, of the paired
            difference of the losses of a structure and each rival, at least.
    """

    objectives: Sequence[Objective]
    rivals: _Numbers = field(repr=False)
    spread: _Numbers = field(repr=False)

    def left(self, values: _Numbers) -> int:
        """Tell how many structures are still in the race, or smaller than one that is.

        Args:
            values: (n_structures, done, n_objectives) values in the folds so far, from a small
                structure to the largest, of which it holds the others.

        Returns:
            All up to the largest that is not dominated with confidence; 0 if all are dominated.
        """
        places = np.flatnonzero(~_dominating(*self._compared(values)).any(axis=1))
        return int(places[-1]) + 1 if len(places) else 0

    def worst(self, values: _Numbers) -> list[float]:
        """Tell how bad the means of a dominated structure may be when all folds are in.

        They are those of a rival that dominates it, what it is worse by so far, and the margin: its
        own means so far would be those of easy folds, or of hard ones. Of several rivals it is the
        one by which the first objective may become the least bad.

        Args:
            values: (done, n_objectives) values in the folds so far.

        Returns:
            A value for each objective, which the rival dominates or equals.
        """
        worse, margin = self._compared(values[np.newaxis])
        dominating = np.flatnonzero(_dominating(worse, margin)[0])
        off = (worse + margin)[0, dominating]
        theirs = fold_losses(self.objectives, self.rivals[dominating]).mean(axis=1)
        least = (theirs + off)[:, 0].argmin()
        folds = self.rivals[dominating[least]].T.tolist()
        return [
            objective.worsened(fmean(each), loss)
            for objective, each, loss in zip(
                self.objectives, folds, off[least].tolist(), strict=True
            )
        ]

    def _compared(self, values: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Compare structures with each rival in the folds so far.

        Args:
            values: (n_structures, done, n_objectives) values in the folds so far.

        Returns:
            By how much each is worse than each rival in the mean, and how far that may yet fall
            when all folds are in, but for the stated probability: (n_structures, n_rivals,
            n_objectives) each.
        """
        done, folds = values.shape[1], self.rivals.shape[1]
        theirs = fold_losses(self.objectives, self.rivals[:, :done])
        paired = fold_losses(self.objectives, values)[:, np.newaxis] - theirs
        worse: _Numbers = paired.mean(axis=2)
        spread = np.broadcast_to(self.spread, worse.shape)
        if done > 1:
            spread = np.maximum(spread, paired.std(axis=2, ddof=1))
        z = norm.ppf(1 - ERROR_RATE / (folds - 1))
        return worse, z * spread * math.sqrt(1 / done - 1 / folds)


def _dominating(worse: _Numbers, margin: _Numbers) -> NDArray[np.bool_]:
    """Tell for each structure and rival whether that dominates it, with confidence."""
    sure = worse - margin
    return np.asarray((sure >= 0).all(axis=2) & (sure > 0).any(axis=2))
