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
alone does not keep the rate.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

__all__ = ["ERROR_RATE", "Race"]

ERROR_RATE = 0.05
"""Probability that a structure that one rival does not dominate is taken to be dominated by it."""

_Losses = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Race:
    """What a structure, or a submodel of it, must keep up with to be fitted on further folds.

    Attributes:
        rivals: (n_rivals, folds, n_objectives) losses of the front's members in each fold; see
            `Objective.fold_losses`.
        spread: (n_rivals, n_objectives) standard deviation, from fold to fold, of the paired
            difference of a structure and each rival, at least.
    """

    rivals: _Losses = field(repr=False)
    spread: _Losses = field(repr=False)

    def left(self, losses: _Losses) -> int:
        """Tell how many structures are still in the race, or smaller than one that is.

        Args:
            losses: (n_structures, done, n_objectives) losses in the folds so far, from a small
                structure to the largest, of which it holds the others.

        Returns:
            All up to the largest that is not dominated with confidence; 0 if all are dominated.
        """
        places = np.flatnonzero(~self._dominating(losses).any(axis=1))
        return int(places[-1]) + 1 if len(places) else 0

    def worst(self, losses: _Losses) -> _Losses:
        """Tell how bad the means of a dominated structure may be when all folds are in.

        They are those of a rival that dominates it, what it is worse by so far, and the margin: its
        own means so far would be those of easy folds, or of hard ones.

        Args:
            losses: (done, n_objectives) losses in the folds so far.

        Returns:
            (n_objectives,) array, which the rival dominates.
        """
        rival = self._dominating(losses[np.newaxis])[0].argmax()
        paired = losses - self.rivals[rival, : len(losses)]
        margin = self._margin(losses[np.newaxis])[0, rival]
        worst: _Losses = self.rivals[rival].mean(axis=0) + paired.mean(axis=0) + margin
        return worst

    def _dominating(self, losses: _Losses) -> NDArray[np.bool_]:
        """Tell for each structure and rival whether that dominates it, with confidence."""
        theirs = self.rivals[:, : losses.shape[1]].mean(axis=1)
        worse = losses.mean(axis=1)[:, np.newaxis] - theirs - self._margin(losses)
        dominating: NDArray[np.bool_] = (worse >= 0).all(axis=2) & (worse > 0).any(axis=2)
        return dominating

    def _margin(self, losses: _Losses) -> _Losses:
        """Tell how far the mean paired differences may yet fall when all folds are in.

        Args:
            losses: (n_structures, done, n_objectives) losses in the folds so far.

        Returns:
            (n_structures, n_rivals, n_objectives) array; a difference falls further with the stated
            probability only.
        """
        done, folds = losses.shape[1], self.rivals.shape[1]
        spread = self.spread[np.newaxis]
        if done > 1:
            paired = losses[:, np.newaxis] - self.rivals[:, :done]
            spread = np.maximum(spread, paired.std(axis=2, ddof=1))
        z = norm.ppf(1 - ERROR_RATE / (folds - 1))
        margin: _Losses = z * spread * math.sqrt(1 / done - 1 / folds)
        return np.broadcast_to(margin, (len(losses), *margin.shape[1:]))
