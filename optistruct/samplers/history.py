"""What a study's trials say, as arrays: one row a finished trial, one column a parameter."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optistruct import pareto
from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.structures import Structures, StructureTable
from optistruct.samplers.submodels import Nest, Nested, NestedRows

__all__ = ["RACE", "History", "Scale"]

Scale = Literal["linear", "log"]

RACE = "race"
"""The constraint that a trial breaks if its structure was dominated and not evaluated to the end.

Its values are pessimistic estimates. The constraint keeps it out of Optuna's `best_trials`; here it
is no limit, since the values say already what the structure is worth.
"""


class History:
    """The finished trials of a study as arrays, in order of their numbers.

    It is a function of the trials alone; only what has come since the last `refresh` is read.

    Args:
        directions: One an objective.
        scales: "linear" or "log" for each objective; None is linear for all.
        nested: Reads what submodels a trial measured besides its structure; None for none.

    Attributes:
        columns: The parameters, in the order in which they were first asked for.
        trials: The finished trials.
        running: (n_running, n_columns) structures that others are evaluating.
        running_trials: Their trials.
        nested: The submodels that the trials measured.
    """

    def __init__(
        self,
        directions: Sequence[StudyDirection],
        scales: Sequence[Scale] | None = None,
        nested: Nested | None = None,
    ) -> None:
        self._directions = tuple(directions)
        self._read_nest = nested
        self._nests: dict[int, tuple[FrozenTrial, Nest | None]] = {}  # by number: reading is slow
        self._scales: Sequence[Scale] = scales or ["linear"] * len(directions)
        self.columns: list[Column] = []
        self._places: dict[str, int] = {}
        self.trials: list[FrozenTrial] = []
        self._table = StructureTable(len(self._directions))
        self.running = np.empty((0, 0))
        self._known: set[bytes] = set()
        self._keyed = (0, 0, 0)  # rows, submodels and columns that the keys in it are of
        self.running_trials: list[FrozenTrial] = []
        self.nested = NestedRows(len(self._directions))

    def __len__(self) -> int:
        """Count the finished trials."""
        return len(self.trials)

    @property
    def rows(self) -> Numbers:
        """(n, n_columns) numbers of the structures; NaN where one has no such parameter."""
        return self._table.of(len(self.columns)).rows

    @property
    def losses(self) -> Numbers:
        """(n, n_objectives) values, smaller is better, log10 on a log scale; NaN without values."""
        return self._table.of(len(self.columns)).losses

    @property
    def excess(self) -> Numbers:
        """(n,) how far beyond its limits each is: 0 if feasible, infinity if it failed."""
        return self._table.of(len(self.columns)).excess

    @cached_property
    def measured(self) -> Structures:
        """The structures of all trials, failed ones too, and then all submodels."""
        width = len(self.columns)
        return self._table.of(width).followed_by(self.nested.table.of(width))

    @cached_property
    def lessons(self) -> Structures:
        """What a surrogate learns from: trials with values, each followed by a few submodels."""
        return self._with_submodels(np.flatnonzero(np.isfinite(self.losses[:, 0])))

    @cached_property
    def verdicts(self) -> Structures:
        """What tells how far structures are beyond the limits: all trials, and a few submodels."""
        return self._with_submodels(np.arange(len(self.trials)))

    def _with_submodels(self, trials: NDArray[np.intp]) -> Structures:
        """Hand out the structures of some trials, and after each a few submodels of all."""
        places = np.concatenate([trials, len(self.trials) + self.nested.lessons()])
        return self.measured.at(places[np.argsort(self.measured.trials[places], kind="stable")])

    @cached_property
    def floors(self) -> Numbers:
        """(n_objectives,) losses below which there is nothing, as far as it shows."""
        return self.measured.floors()

    def front(self) -> Numbers:
        """List the feasible structures that none dominates, submodels too.

        Of those with equal values the latest stands for all: where some parameters do not matter,
        they would be most of the front, and the same structure is measured once only.

        Returns:
            (n, n_columns) rows.
        """
        rows, losses, excess, trials = self.measured
        feasible = np.flatnonzero(excess == 0)
        members = feasible[pareto.is_nondominated(losses[feasible])]
        members = members[np.argsort(-trials[members], kind="stable")]
        _, latest = np.unique(losses[members], axis=0, return_index=True)
        return rows[np.sort(members[latest])]

    def keys(self, rows: Numbers) -> list[bytes]:
        """Name structures: equal ones have equal keys."""
        filled = np.ascontiguousarray(np.nan_to_num(rows, nan=-1.0) + 0.0)
        return [row.tobytes() for row in filled]

    def known_keys(self) -> set[bytes]:
        """Hand out the keys of all structures that were measured or are being evaluated."""
        rows, submodels, width = self._keyed
        if width != len(self.columns):
            self._known, rows, submodels = set(), 0, 0
        nested = self.nested.table.of(len(self.columns)).rows
        self._known.update(self.keys(self.rows[rows:]), self.keys(nested[submodels:]))
        self._keyed = (len(self.trials), len(nested), len(self.columns))
        return self._known.union(self.keys(self.running))

    def refresh(self, trials: Iterable[FrozenTrial], current: int | None = None) -> None:
        """Take in what has finished.

        Args:
            trials: All trials of the study.
            current: Number of the trial that is asked for now.
        """
        finished, running = [], []
        for trial in trials:
            if trial.state.is_finished():
                finished.append(trial)
            elif trial.state == TrialState.RUNNING and trial.number != current and trial.params:
                running.append(trial)
        known = len(self.trials)
        is_longer = len(finished) >= known and all(
            a is b or a.number == b.number for a, b in zip(self.trials, finished, strict=False)
        )
        news = finished[known:] if is_longer else finished
        if self._learn_columns([*news, *running]) or not is_longer:
            self.trials, news = [], finished
            self._known, self._keyed = set(), (0, 0, 0)
            self._table = StructureTable(len(self._directions))
            self.nested = NestedRows(len(self._directions))
        self._append(news)
        for derived in ("measured", "lessons", "verdicts", "floors"):
            vars(self).pop(derived, None)
        self.running_trials = running
        self.running = np.array([self._encoded(trial.params) for trial in running]).reshape(
            len(running), len(self.columns)
        )

    def _learn_columns(self, trials: Iterable[FrozenTrial]) -> bool:
        """Note new parameters; tell whether a known one now has another range."""
        has_changed = False
        for trial in trials:
            for name, distribution in trial.distributions.items():
                has_changed |= self._learn_column(name, distribution)
        return has_changed

    def _learn_column(self, name: str, distribution: BaseDistribution) -> bool:
        place = self._places.get(name)
        if place is None:
            self._places[name] = len(self.columns)
            self.columns.append(Column(name, distribution))
            return False
        known = self.columns[place]
        if known.distribution == distribution:
            return False
        joined = self.columns[place] = known.joined(distribution)
        return joined != known

    def _append(self, trials: Iterable[FrozenTrial]) -> None:
        for trial in trials:
            place = len(self.trials)
            self._table.add(self._encoded(trial.params), *self._outcome(trial), place)
            self._append_submodels(trial, place)
            self.trials.append(trial)

    def _append_submodels(self, trial: FrozenTrial, place: int) -> None:
        if self._read_nest is None or trial.state != TrialState.COMPLETE:
            return
        if self._nests.get(trial.number, (None, None))[0] is not trial:
            self._nests[trial.number] = trial, self._read_nest(trial)
        nest = self._nests[trial.number][1]
        if nest is not None:
            params = [{**trial.params, nest.parameter: value} for value in nest.values]
            rows = [self._encoded(one) for one in params]
            losses = [self._losses_of(values) for values in nest.measured]
            self.nested.add(nest, trial.params, place, rows, losses)

    def _encoded(self, params: Mapping[str, Any]) -> Numbers:
        row = np.full(len(self.columns), np.nan)
        for name, value in params.items():
            place = self._places[name]
            row[place] = self.columns[place].encode(value)
        return row

    def _outcome(self, trial: FrozenTrial) -> tuple[list[float], float]:
        limits = (value for name, value in trial.constraints.items() if name != RACE)
        excess = sum(max(value, 0.0) for value in limits)
        nothing = [math.nan] * len(self._directions)
        if trial.state == TrialState.PRUNED and excess > 0:
            return nothing, excess
        if trial.state != TrialState.COMPLETE or len(trial.values) != len(nothing):
            return nothing, math.inf
        losses = self._losses_of(trial.values)
        return (losses, excess) if all(map(math.isfinite, losses)) else (nothing, math.inf)

    def _losses_of(self, values: Sequence[float]) -> list[float]:
        return [
            _loss(value, direction, scale)
            for value, direction, scale in zip(values, self._directions, self._scales, strict=True)
        ]


def _loss(value: float, direction: StudyDirection, scale: Scale) -> float:
    if scale == "log":
        value = math.log10(value) if value > 0 else math.nan
    return -value if direction == StudyDirection.MAXIMIZE else value
