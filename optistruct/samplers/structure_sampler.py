"""What our own samplers share: they propose whole structures, and no structure twice."""

import math
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.conditions import Conditions
from optistruct.samplers.history import History, Scale
from optistruct.samplers.seeding import stream
from optistruct.samplers.submodels import Nested
from optistruct.samplers.variation import Variation
from optistruct.samplers.visits import Origin, Visits, origin

__all__ = ["Proposal", "StructureSampler"]

Proposal = dict[str, tuple[Column, float]]
"""A structure: each parameter's column and its number there; what is missing is drawn at random."""

_MOST_AT_ONCE = 256  # trials whose proposals are remembered while they are being answered
_GROWTH = 1.2
_TRIALS_A_KIND = 2
_MOST_FIRST = 20
_DRAWN = 100


class StructureSampler(BaseSampler):
    """Proposes structures of any space, conditional ones too, for any number of objectives.

    A proposal is a function of the seed, the trial's number and the finished trials; what is kept
    in memory is derived from those and only saves time. In a space of finitely many structures none
    is proposed twice, and `Study.optimize` stops when all have been.

    Args:
        seed: Seed of everything random.
        scales: "linear" or "log" for each objective, the scale on which its values compare; None
            is linear for all.
        nested: Reads what submodels a trial measured; None for none.
    """

    history: History
    _study: Origin | None
    _conditions: tuple[tuple[Column, ...], Numbers, Conditions] | None

    def __init__(
        self,
        *,
        seed: int = 0,
        scales: Sequence[Scale] | None = None,
        nested: Nested | None = None,
    ) -> None:
        self._seed = seed
        self._scales = scales
        self._nested = nested
        self._lock = RLock()
        self._forget()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is derived from the trials."""
        fresh = object.__new__(type(self))
        fresh._forget()
        derived = {"_lock", *vars(fresh)}
        return {key: value for key, value in vars(self).items() if key not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin with nothing remembered."""
        self.__dict__.update(state)
        self._lock = RLock()
        self._forget()

    @abstractmethod
    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose a structure for a trial, from `self.history`.

        Args:
            study: The study.
            trial: The trial, of which nothing has been answered yet, unless it was taken up again.
        """

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Leave every parameter to `sample_independent`."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Leave every parameter to `sample_independent`."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Answer with the proposal's value, unless everything below it has been visited."""
        proposed = self._proposal_of(study, trial).get(param_name)
        rng = self.stream(trial.number, "answer", param_name)
        column, number = proposed or (None, math.nan)
        if column is None or type(column.distribution) is not type(param_distribution):
            column = Column(param_name, param_distribution)
            number = float(column.draw(rng, 1)[0])
        value = column.decode(number, param_distribution)
        return self._visits.unvisited(study, trial, param_name, param_distribution, value, rng)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Stop `Study.optimize` when every structure has been visited."""
        self._visits.stop_if_exhausted(study, trial, state)

    def reseed_rng(self) -> None:
        """Change nothing: every stream is of its own trial."""

    def stream(self, number: int, *key: object) -> np.random.Generator:
        """Open the random stream of a trial and a purpose."""
        return stream(self._seed, number, *key)

    def variation(self, number: int, donors: Numbers) -> Variation:
        """Hand out what makes new structures for a trial.

        Args:
            number: The trial's number; there must be a finished one before it.
            donors: (n, n_columns) structures from which a changed one takes what it lacks.
        """
        history = self.history
        columns = tuple(history.columns)
        rows = _whole(history, _scheduled(len(history)))
        if (
            self._conditions is None
            or self._conditions[0] != columns
            or not np.array_equal(self._conditions[1], rows, equal_nan=True)
        ):
            self._conditions = (columns, rows.copy(), Conditions(columns, rows))
        return Variation(
            history.columns,
            donors,
            self._conditions[2],
            self.stream(number, "variation"),
        )

    def _proposal_of(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Make a trial's proposal at its first question, and remember it for the others."""
        with self._lock:
            asking = (origin(study, [trial]), trial.number)
            if asking not in self._proposals:
                trials = study.get_trials(deepcopy=False)
                if self._study != origin(study, trials):
                    self._forget()
                    self._study = origin(study, trials)
                    self.history = History(study.directions, self._scales, self._nested)
                self.history.refresh(trials, trial.number)
                self._proposals[asking] = self.propose(study, trial)
                if len(self._proposals) > _MOST_AT_ONCE:
                    self._proposals.popitem(last=False)
            return self._proposals[asking]

    @property
    def has_kinds(self) -> bool:
        """Whether structures of several kinds have been seen: not all of the same parameters."""
        return bool(np.isnan(_whole(self.history)).any())

    def is_beginning(self, least: int) -> bool:
        """Tell whether a search has still to see every kind of structure.

        Args:
            least: How many trials it begins with at the least.
        """
        trials = len(self.history)
        if trials < least or trials >= _MOST_FIRST:
            return trials < least
        kinds = np.unique(~np.isnan(_whole(self.history)), axis=0)
        return trials < _TRIALS_A_KIND * len(kinds)

    def spread(self, number: int) -> Proposal:
        """Propose, of some random structures, the one that is the least like those known."""
        if not len(self.history):
            return {}
        drawn = self.variation(number, self.history.rows).random(_DRAWN)
        drawn = drawn[self.unknown(drawn)]
        if not len(drawn):
            return {}
        known = np.concatenate([self.history.rows, self.history.running])
        return self.proposal(drawn[_distances(self.history.columns, drawn, known).argmax()])

    def unknown(self, rows: Numbers) -> NDArray[np.intp]:
        """Number the structures that no trial has, each once."""
        history = self.history
        known = history.known_keys()
        first: dict[bytes, int] = {}
        for i, key in enumerate(history.keys(rows)):
            if key not in known:
                first.setdefault(key, i)
        return np.fromiter(first.values(), dtype=int)

    def proposal(self, row: Any) -> Proposal:
        """Turn a row of numbers into a proposal."""
        columns = self.history.columns
        return {
            columns[i].name: (columns[i], float(row[i])) for i in np.flatnonzero(~np.isnan(row))
        }

    def _forget(self) -> None:
        self._visits = Visits()
        self._study = None
        self._proposals: OrderedDict[tuple[Origin, int], Proposal] = OrderedDict()
        self._conditions = None
        self.history = History((), None)


def _whole(history: History, most: int | None = None) -> Numbers:
    """List the structures of the first trials that surely have all their parameters.

    One that failed, or that the space gave up, may not have been asked for the others. Where none
    has values, those count that were asked anything; all if none was.
    """
    rows, losses = history.rows[:most], history.losses[:most]
    for there in (np.isfinite(losses).all(axis=1), ~np.isnan(rows).all(axis=1)):
        if there.any():
            return rows[there]
    return rows


def _scheduled(count: int) -> int:
    """Find the largest number of a growing series that is not above a count, from 1 on."""
    number = 1
    while (following := max(number + 1, int(number * _GROWTH))) <= count:
        number = following
    return number


def _distances(columns: Sequence[Column], rows: Numbers, known: Numbers) -> NDArray[np.intp]:
    """Count the parameters in which each structure differs from the nearest known one.

    A category differs if it is another one, and every parameter if only one of the two has it. The
    size of numbers does not count: structures of extreme numbers are far from others, and poor.
    """
    total = np.zeros((len(rows), len(known)), dtype=int)
    for column, mine, theirs in zip(columns, rows.T, known.T, strict=True):
        total += np.isnan(mine)[:, np.newaxis] != np.isnan(theirs)
        if column.is_category:
            total += np.abs(mine[:, np.newaxis] - theirs) > 0
    nearest: NDArray[np.intp] = total.min(axis=1)
    return nearest
