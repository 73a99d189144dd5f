"""NSGA-II that crosses conditional structures.

Optuna's NSGA-II crosses only the parameters that all structures have, so that in a conditional
space the others stay random for ever. Here a child takes each parameter from either parent that has
it, and the children of a choice that neither parent made from a structure that made it. Parents are
drawn from every kind of structure alike (those with the same parameters are of one kind), since a
kind that has been tried seldom would otherwise die out before it has shown what it can do; for the
same reason many structures are random ones, where there are several kinds: more at the beginning,
the more kinds there are, and every fifth later on.

Of many children one is evaluated: the one whose nearest relatives, known structures of its kind,
promise the most (Emmerich, Giannakoglou and Naujoks, "Single- and multiobjective evolutionary
optimization assisted by Gaussian random field metamodels", 2006, choose so by a slower guess).

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

from optistruct.pareto import is_nondominated
from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.history import History
from optistruct.samplers.structure_sampler import Proposal, StructureSampler

__all__ = ["POPULATION", "NSGA2Sampler", "most_promising", "population", "promising_child"]

POPULATION = 20
"""How many structures may be parents."""

_FIRST = 10
_CHANGES = 1.5  # parameters of a child that are changed, in the mean
_STEPS = (0.4, 0.2, 0.06)  # of a range's width: how far a changed number goes
_STRANGERS = 0.2  # least share of random structures, where there are several kinds
_ALIKE = 0.9  # how often a parent's mate is of the same kind
_CHILDREN = 20
_RELATIVES = 3
_NO_DISTANCE = 1e-6
_MOST_WEIGHED = 3  # objectives


class NSGA2Sampler(StructureSampler):
    """Crosses and changes the best structures there are.

    Args:
        seed: Seed of everything random.
        scales: "linear" or "log" for each objective, the scale on which its values compare.
        nested: Reads what submodels a trial measured, which are not proposed; None for none.
    """

    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose a child that is not known yet; at the beginning, random structures."""
        history = self.history
        parents = population(history, POPULATION)
        if len(parents) < 2 or self.is_beginning(_FIRST):
            return {}
        rng = self.stream(trial.number, "parents")
        if self.has_kinds and rng.random() < self._share_of_strangers():
            return {}
        return self.proposal(promising_child(self, trial.number, parents, rng))

    def _share_of_strangers(self) -> float:
        known = ~np.isnan(self.history.rows)
        kinds = {row.tobytes() for row in known}
        return max(_STRANGERS, len(kinds) / len(known))


def promising_child(
    sampler: StructureSampler, number: int, parents: NDArray[np.intp], rng: np.random.Generator
) -> Numbers:
    """Cross a population, and choose of 20 children the most promising one that is not known.

    Args:
        sampler: Whose history it is.
        number: The number of the trial that the child is for.
        parents: Rows of the history, two at the least, the best first.
        rng: What draws the pairs.

    Returns:
        (n_columns,) the child; a known one if all are.
    """
    history, rows = sampler.history, sampler.history.rows[parents]
    variation = sampler.variation(number, rows)
    kinds = np.unique(~np.isnan(rows), axis=0, return_inverse=True)[1]
    pairs = np.array([_pair(kinds, rng) for _ in range(_CHILDREN)])
    children = variation.cross(rows[pairs[:, 0]], rows[pairs[:, 1]], _CHANGES, _STEPS)
    unknown = sampler.unknown(children)
    if unknown.size:
        children = children[unknown]
        return np.asarray(children[most_promising(history, children)])
    return np.asarray(children[0])


def _pair(kinds: NDArray[np.intp], rng: np.random.Generator) -> tuple[int, int]:
    """Draw the places of two parents from a population, of which the kinds are given."""
    first = _tournament(np.flatnonzero(kinds == rng.integers(kinds.max() + 1)), rng)
    is_alike = rng.random() < _ALIKE
    mates = np.flatnonzero(kinds == kinds[first]) if is_alike else np.arange(len(kinds))
    return first, _tournament(mates, rng)


def _tournament(places: NDArray[np.intp], rng: np.random.Generator) -> int:
    """Draw two places of a population, which is in order, and take the better one."""
    return int(places[rng.integers(len(places), size=2).min()])


def most_promising(history: History, children: Numbers) -> int:
    """Choose the child that its nearest relatives promise the most of.

    Its values are guessed as the mean of theirs, the nearer the heavier. Those of which most meet
    the limits come first, then what is the farthest beyond the front, or the least behind it.

    Args:
        history: The finished trials.
        children: (n, n_columns) structures.

    Returns:
        The child's place; of equal ones, the first.
    """
    usable = np.isfinite(history.excess)
    rows, excess = history.rows[usable], history.excess[usable]
    losses, front = _scaled(history.losses[usable], excess == 0)
    guessed_excess, progress = np.zeros((2, len(children)))
    kinds, kind = np.unique(~np.isnan(children), axis=0, return_inverse=True)
    is_there = ~np.isnan(rows)
    for i, there in enumerate(kinds):
        mine, alike = np.flatnonzero(kind == i), np.flatnonzero((is_there == there).all(axis=1))
        if not alike.size:
            continue
        columns = [history.columns[j] for j in np.flatnonzero(there)]
        nearest, weights = _relatives(columns, children[mine][:, there], rows[alike][:, there])
        broken = excess[alike[nearest]]
        is_broken = (weights * (broken > 0)).sum(axis=1) > 0.5
        guessed_excess[mine] = is_broken * (weights * broken).sum(axis=1)
        if len(front):
            guess = (weights[..., np.newaxis] * losses[alike[nearest]]).sum(axis=1)
            progress[mine] = (front - guess[:, np.newaxis]).max(axis=2).min(axis=1)
    return int(np.lexsort((-progress, guessed_excess))[0])


def _relatives(
    columns: Sequence[Column], children: Numbers, rows: Numbers
) -> tuple[NDArray[np.intp], Numbers]:
    """Find, of structures of one kind, those the most like each child, and their weights."""
    is_category = np.array([column.is_category for column in columns], dtype=bool)
    gaps = np.abs(children[:, np.newaxis] - rows)
    distances = np.where(is_category, gaps > 0, gaps).sum(axis=2)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :_RELATIVES]
    weights = 1 / (np.take_along_axis(distances, nearest, axis=1) ** 2 + _NO_DISTANCE)
    return nearest, weights / weights.sum(axis=1, keepdims=True)


def _scaled(losses: Numbers, is_feasible: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Scale losses so that the feasible ones lie from 0 to 1; hand out the front, too.

    What has no values, since it was stopped at a limit, is as bad as the worst.
    """
    feasible = losses[is_feasible]
    if not len(feasible):
        return np.ones_like(losses), feasible
    best, worst = feasible.min(axis=0), feasible.max(axis=0)
    span = np.where(worst > best, worst - best, 1.0)
    scaled = np.nan_to_num((losses - best) / span, nan=1.0)
    front = scaled[is_feasible]
    return scaled, front[is_nondominated(front)]


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
