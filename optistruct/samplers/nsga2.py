"""NSGA-II that crosses conditional structures.

Optuna's NSGA-II crosses only the parameters that all structures have, so that in a conditional
space the others stay random for ever. Here a child takes each parameter from either parent that has
it, and the children of a choice that neither parent made from a structure that made it. Parents are
drawn from every kind of structure alike (those with the same parameters are of one kind), since a
kind that has been tried seldom would otherwise die out before it has shown what it can do; for the
same reason every fifth structure is a random one, where there are several kinds.

The selection is that of Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective
genetic algorithm: NSGA-II", 2002, feasible structures first, then by non-dominated rank, in
tournaments of two, with one change: within a rank what a structure adds to the hypervolume counts
(Beume, Naujoks and Emmerich, "SMS-EMOA", 2007), not the crowding distance. With three objectives
most structures are non-dominated, and the crowding distance prefers the extremes among them.

There are no generations: the population are the best of all trials, enqueued ones too, so that
each result counts at once, whichever worker brings it and however often the study is resumed.
"""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial

from optistruct.samplers.columns import Numbers
from optistruct.samplers.history import History, Scale
from optistruct.samplers.structure_sampler import Proposal, StructureSampler

__all__ = ["NSGA2Sampler", "population"]

_FIRST = 10
_CHANGES = 1.5  # parameters of a child that are changed, in the mean
_STRANGERS = 0.2  # share of random structures, where there are several kinds
_ALIKE = 0.7  # how often a parent's mate is of the same kind
_TRIES = 30
_MOST_WEIGHED = 3  # objectives


class NSGA2Sampler(StructureSampler):
    """Crosses and changes the best structures there are.

    Args:
        seed: Seed of everything random.
        scales: "linear" or "log" for each objective, the scale on which its values compare.
        population_size: How many structures may be parents.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        scales: Sequence[Scale] | None = None,
        population_size: int = 20,
    ) -> None:
        super().__init__(seed=seed, scales=scales)
        self._population_size = population_size

    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose a child that is not known yet; at the beginning, random structures."""
        history = self.history
        parents = population(history, self._population_size)
        if len(parents) < 2 or self.is_beginning(_FIRST):
            return {}
        rng, variation = self.stream(trial.number, "parents"), self.variation(trial.number, parents)
        if self.has_kinds and rng.random() < _STRANGERS:
            return {}
        rows = history.rows[parents]
        kinds = np.unique(~np.isnan(rows), axis=0, return_inverse=True)[1]
        for _ in range(_TRIES):
            first = _tournament(np.flatnonzero(kinds == rng.integers(kinds.max() + 1)), rng)
            is_alike = rng.random() < _ALIKE
            mates = np.flatnonzero(kinds == kinds[first]) if is_alike else np.arange(len(rows))
            child = variation.cross(rows[[first]], rows[[_tournament(mates, rng)]], _CHANGES)
            if self.unknown(child).size:
                break
        return self.proposal(child[0])


def _tournament(places: NDArray[np.intp], rng: np.random.Generator) -> int:
    """Draw two places of a population, which is in order, and take the better one."""
    return int(places[rng.integers(len(places), size=2).min()])


def population(history: History, size: int) -> NDArray[np.intp]:
    """Choose the best structures of a history, each once.

    Args:
        history: The finished trials.
        size: How many at the most.

    Returns:
        (n,) rows of the history, the best first.
    """
    usable = np.flatnonzero(np.isfinite(history.excess))
    if not usable.size:
        return usable
    first: dict[bytes, int] = {}
    for row, key in zip(usable, history.keys(history.rows[usable]), strict=True):
        first.setdefault(key, int(row))
    usable = np.fromiter(first.values(), dtype=int)
    feasible = usable[history.excess[usable] == 0]
    broken = usable[history.excess[usable] > 0]
    broken = broken[np.argsort(history.excess[broken], kind="stable")]
    best = feasible[_selection_order(history.losses[feasible], size)]
    return np.concatenate([best, broken])[:size]


def _selection_order(losses: Numbers, size: int) -> NDArray[np.intp]:
    """Order at least the best points: by rank, and within a rank by what they add."""
    if not len(losses):
        return np.empty(0, dtype=int)
    ranks = moocore.pareto_rank(losses)
    order: list[NDArray[np.intp]] = []
    for rank in range(ranks.min(), ranks.max() + 1):
        if sum(map(len, order)) >= size:
            break
        members = np.flatnonzero(ranks == rank)
        order.append(members[np.argsort(-_contributions(losses[members], losses), kind="stable")])
    return np.concatenate(order)


def _contributions(points: Numbers, everything: Numbers) -> Numbers:
    """Measure what each point of a rank adds to the hypervolume, in the box of all points.

    With a single objective, equal points add nothing. With four and more it costs seconds; there it
    is the crowding distance instead.
    """
    if points.shape[1] == 1:
        return np.zeros(len(points))
    if points.shape[1] > _MOST_WEIGHED:
        return _crowding_distance(points)
    best, worst = everything.min(axis=0), everything.max(axis=0)
    span = np.where(worst > best, worst - best, 1.0)
    scaled = (points - best) / span
    ones = np.ones(scaled.shape[1])
    contributions: Numbers = moocore.hv_contributions(scaled, ref=ones)
    return contributions


def _crowding_distance(points: Numbers) -> Numbers:
    """Sum, over the objectives, the gap between a point's neighbours as a part of the width."""
    distance = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        width = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if width > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / width
    return distance
