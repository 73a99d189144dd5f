"""SMS-EGO with trees: the structure with the largest optimistic gain in hypervolume is next.

Ponweiser, Wagner, Biermann and Vincze, "Multiobjective optimization on a limited budget of
evaluations using model-assisted S-metric selection", 2008, with a trend and extremely randomised
trees in the place of Gaussian processes, since structures are conditional and mostly discrete.

Candidates are the neighbours of the front, children of two of its members, and random structures,
none of which is known. Where a space has several kinds of structures (those with the same
parameters are of one kind), every fifth trial is of a kind that has been tried seldom: trees are
too sure of what they have hardly seen. From the hundredth on, every third is a child as `nsga2` has
them, chosen by its nearest relatives: on four seeds of the conditional space that took the share of
the front from 0.944 to 0.949 after 200 trials, and from 0.966 to 0.973 after 500. On NAS-Bench-201
(CIFAR-100, three seeds), whose structures are all of one kind, it would have cost 0.003 after 500.

How optimistic its guesses are is drawn anew for each trial and objective, from an exponential
distribution, after Takeno, Inatsu and Karasuyama, "Randomized Gaussian process upper confidence
bound with tighter Bayesian regret bounds", 2023 (who draw the square of the factor, and shift it):
some trials refine what is known to be good, others go where the trees disagree. With half a
standard deviation for all, searches on small, noisy tables stood still after some hundred trials;
on NAS-Bench-201, without noise, that was ahead by 0.009 after 100 trials and by 0.002 after 200
(two of its datasets, eight seeds).

No guess is better than what many trials have shown to be the best there is, see
`Structures.floors`: a trend goes on below the size of the smallest structures, and would look for
what cannot be.

Where parameters matter little, the neighbours of the front have its values and add nothing. So a
gain is weighed by the trees' probability that no other structure has the same values.

Where a fit brings submodels with it, the trees learn from a few of each, the front holds them, and
a candidate gains what it and its submodels are expected to add together, by what its trial costs:
without that, the larger of two would always be the better. Gain by cost is that of Snoek,
Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms", 2012, but
the cost is no measured time; see `NestedRows.of`. What is cheap would keep a search from what is
accurate, so that Lee, Perrone, Archambeau and Seeger, "Cost-aware Bayesian optimization", 2020,
let the cost count for less as a budget is used up. Here no budget is known, and how much it counts
is drawn anew for each trial.

The constants were chosen on NAS-Bench-201 and on a conditional space of five families
(studies/benchmarks/samplers.py), with other seeds than those that its figures are of; the optimism
and those of the submodels on cells of studies/benchmarks/time_to_front.py, of seeds that it shows.
"""

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial

from optistruct.samplers.columns import Numbers
from optistruct.samplers.gains import Gains
from optistruct.samplers.nsga2 import POPULATION, population, promising_child
from optistruct.samplers.seeding import stream_seed
from optistruct.samplers.structure_sampler import Proposal, StructureSampler
from optistruct.samplers.surrogate import Surrogate, features, learnable

__all__ = ["SMSEGOSampler"]

_FIRST = 10
_FEW_FIRST = 5  # where each brings submodels with it
_TREES = 16
_OPTIMISM = 1.0  # standard deviations by which a guess is taken to be better, in the mean
_NEIGHBORS = 1500
_CHILDREN = 300
_CHANGES = 1.0  # parameters of a child that are changed, in the mean
_RANDOM = 500
_NEAREST = 10
_HUGE = 1e100  # values are taken to be no larger, so that their squares are finite
_LIKELY = 0.5  # probability of meeting the limits that a candidate must have, where one has it
_LEAST_NOVELTY = 0.02  # so that of structures that are all alike the best is next
_SELDOM = 0.2  # share of trials for kinds of structures that have been tried seldom
_BY_RELATIVES, _RELATIVES_FROM = 3, 100  # where there are kinds: every third trial, from this on


class SMSEGOSampler(StructureSampler):
    """Proposes what the trees expect to add the most hypervolume, in the better case.

    The hypervolume reaches to the worst feasible values so far, outliers left out, on the
    objectives' scales. Where some structures break a limit or fail, the gain is weighed by the
    trees' probability that a structure does not, which must be a half at least, if it can be; while
    none meets the limits, what is guessed to break them by least is next. Structures that are
    likely to have the values of others count for little. Best for costly evaluations: a proposal
    takes tens of milliseconds.

    Args:
        seed: Seed of everything random.
        scales: "linear" or "log" for each objective, the scale on which its values compare; None
            is linear for all.
        nested: Reads what submodels a trial measured; None for none.
    """

    _surrogates: dict[object, Surrogate]

    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose the best candidate; at the beginning, structures far apart."""
        history = self.history
        first = _FEW_FIRST if len(history.nested) else _FIRST
        if self.is_beginning(first) or not np.isfinite(history.excess).any():
            return self.spread(trial.number)
        if not (history.measured.excess == 0).any():
            return self._toward_limits(trial.number)
        child = self._child(trial.number)
        if child is not None:
            return self.proposal(child)
        candidates = self._of_a_seldom_kind(trial.number)
        if candidates is None:
            candidates = self._candidates(trial.number)
        if not len(candidates):
            return {}
        likely = self._likely(candidates)
        allowed = np.flatnonzero(likely >= min(_LIKELY, likely.max()))
        candidates, likely = candidates[allowed], likely[allowed]
        optimism = self._optimism(trial.number, len(study.directions))
        gains = self._gains_of(candidates, optimism, self._thrift(trial.number))
        good = np.flatnonzero(gains > 0)
        if len(good):
            gains[good] *= likely[good] * self._novelty(candidates[good])
        return self.proposal(candidates[gains.argmax()])

    def _child(self, number: int) -> Numbers | None:
        """Make a child of the best that its nearest relatives promise much of; mostly none."""
        if number % _BY_RELATIVES or len(self.history) < _RELATIVES_FROM or not self.has_kinds:
            return None
        parents = population(self.history, POPULATION)
        if len(parents) < 2:
            return None
        child = promising_child(self, number, parents, self.stream(number, "parents"))
        return child if len(self.unknown(child[np.newaxis])) else None

    def _toward_limits(self, number: int) -> Proposal:
        """Propose what is guessed to break the limits by least; nothing has met them yet."""
        verdicts = self.history.verdicts
        known = verdicts.at(np.flatnonzero(np.isfinite(verdicts.excess)))
        nearest = known.rows[np.argsort(known.excess, kind="stable")[:_NEAREST]]
        variation = self.variation(number, nearest)
        found = np.concatenate(
            [variation.neighbors(nearest, _NEIGHBORS), variation.random(_RANDOM)]
        )
        found = found[self.unknown(found)]
        if not len(found):
            return {}
        X, asked = self._features(known.rows), self._features(found)
        optimism = float(self._optimism(number, 1)[0])
        guesses = self._guess("excess", X, known.excess, asked, optimism)
        return self.proposal(found[guesses.argmin()])

    def _candidates(self, number: int) -> Numbers:
        rows, rng = self.history.front(), self.stream(number, "mates")
        variation = self.variation(number, rows)
        kinds = np.unique(~np.isnan(rows), axis=0, return_inverse=True)[1]
        alike, sizes = np.argsort(kinds, kind="stable"), np.bincount(kinds)
        first = rng.integers(len(rows), size=_CHILDREN)
        kind = kinds[first]  # of the same kind is the second
        second = alike[np.cumsum(sizes)[kind] - 1 - rng.integers(sizes[kind])]
        found = np.concatenate(
            [
                variation.neighbors(rows, _NEIGHBORS),
                variation.cross(rows[first], rows[second], _CHANGES),
                variation.random(_RANDOM),
            ]
        )
        return found[self.unknown(found)]

    def _of_a_seldom_kind(self, number: int) -> Numbers | None:
        """Draw structures of one kind, the likelier the fewer of it are known; usually none."""
        rng, history = self.stream(number, "kind"), self.history
        if rng.random() >= _SELDOM:
            return None
        found = self.variation(number, history.rows).random(_RANDOM)
        found = found[self.unknown(found)]
        kinds, kind = np.unique(~np.isnan(found), axis=0, return_inverse=True)
        if len(kinds) < 2:
            return None
        known = ~np.isnan(history.rows)
        counts = np.array([(known == one).all(axis=1).sum() for one in kinds])
        weights = 1 / (1 + counts)
        chosen: Numbers = found[kind == rng.choice(len(kinds), p=weights / weights.sum())]
        return chosen

    def _optimism(self, number: int, size: int) -> Numbers:
        """Draw by how many standard deviations guesses are taken to be better: (size,)."""
        return self.stream(number, "optimism").exponential(_OPTIMISM, size)

    def _thrift(self, number: int) -> float:
        """Draw how much the cost of a trial counts: a gain is divided by this power of it."""
        return float(self.stream(number, "thrift").random())

    def _optimistic(self, candidates: Numbers, optimism: Numbers) -> Numbers:
        """Guess every objective of the candidates, in the better case."""
        learnt = self.history.lessons
        X, asked = self._features(learnt.rows), self._features(candidates)
        guesses = [
            self._guess(i, X, losses, asked, float(optimism[i]))
            for i, losses in enumerate(learnt.losses.T)
        ]
        return np.maximum(np.column_stack(guesses), self.history.floors)

    def _gains_of(self, candidates: Numbers, optimism: Numbers, thrift: float) -> Numbers:
        """Guess what each candidate adds to the front, by what it costs where that is known.

        Args:
            candidates: (n_candidates, n_columns) structures.
            optimism: (n_objectives,) standard deviations by which guesses are taken to be better.
            thrift: How much the cost counts, from 0 to 1.
        """
        history, measured = self.history, self.history.measured
        losses = np.clip(measured.losses[measured.excess == 0], -_HUGE, _HUGE)
        if len(history.running):  # what others are evaluating is taken to come out well
            losses = np.concatenate([losses, self._optimistic(history.running, optimism)])
        box, points = Gains(losses), self._optimistic(candidates, optimism)
        gains = box.of_each(points)
        if not len(history.nested):
            return gains
        best = np.argsort(-gains, kind="stable")[: box.weighed // 2]
        nested = [history.nested.of(history.columns, row) for row in candidates[best]]
        guesses = self._optimistic(np.concatenate([rows for rows, _ in nested]), optimism)
        starts = np.cumsum([len(rows) for rows, _ in nested])[:-1]
        whole = np.full(len(candidates), -np.inf)
        for i, theirs, (_, cost) in zip(best, np.split(guesses, starts), nested, strict=True):
            gain = box.together(np.vstack([points[i], theirs]))
            whole[i] = gain / cost**thrift if gain > 0 else gains[i]
        return whole

    def _likely(self, candidates: Numbers) -> Numbers:
        """Guess how likely the candidates are to have values and to meet every limit."""
        verdicts = self.history.verdicts
        return self._probability("feasible", verdicts.rows, verdicts.excess == 0, candidates)

    def _novelty(self, candidates: Numbers) -> Numbers:
        """Guess how likely the candidates are to have values that no other structure has."""
        losses = self.history.losses
        there = np.flatnonzero(np.isfinite(losses[:, 0]))
        there = there[: learnable(len(there))]  # or each repetition would have the trees refitted
        _, which, counts = np.unique(losses[there], axis=0, return_inverse=True, return_counts=True)
        rows = self.history.rows[there]
        guesses = self._probability("novelty", rows, counts[which] == 1, candidates)
        return np.clip(guesses, _LEAST_NOVELTY, 1.0)

    def _probability(
        self, what: str, rows: Numbers, is_so: NDArray[np.bool_], candidates: Numbers
    ) -> Numbers:
        """Guess how likely something is so of the candidates: 1 where it is so of all, or of none.

        Args:
            what: Which surrogate guesses.
            rows: (n, n_columns) structures.
            is_so: (n,) whether it is so of each.
            candidates: (n_candidates, n_columns) structures.
        """
        if is_so.all() or not is_so.any():
            return np.ones(len(candidates))
        X, asked = self._features(rows), self._features(candidates)
        return self._guess(what, X, is_so.astype(float), asked)

    def _features(self, rows: Numbers) -> Numbers:
        return features(self.history.columns, rows)

    def _guess(
        self, what: object, X: Numbers, values: Numbers, asked: Numbers, optimism: float = 0.0
    ) -> Numbers:
        if what not in self._surrogates:
            seed = stream_seed(self._seed, "surrogate", what)
            self._surrogates[what] = Surrogate(seed, _TREES)
        self._surrogates[what].fit(X, np.clip(values, -_HUGE, _HUGE))
        return self._surrogates[what].predict(asked, optimism)

    def _forget(self) -> None:
        super()._forget()
        self._surrogates = {}
