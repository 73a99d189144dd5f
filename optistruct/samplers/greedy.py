"""Greedy search: from the front that has been found, one change after the other.

It is Pareto local search (Paquete, Chiarandini and Stützle, "Pareto local optimum sets in the
biobjective traveling salesman problem: an experimental study", 2004), coordinate by coordinate:
each trial changes one parameter of a structure that none dominates, to a neighbouring or another
value, and a result that is not dominated joins them. When every change of every member has been
tried, the search is stuck, says so, and begins again at a random structure with a front of its own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.logging import get_logger
from optuna.study import Study
from optuna.trial import FrozenTrial

from optistruct import pareto
from optistruct.samplers.columns import Numbers
from optistruct.samplers.structure_sampler import Proposal, StructureSampler

__all__ = ["GREEDY", "GreedySampler"]

GREEDY = "optistruct:greedy"
"""The system attribute of a trial that says where it comes from: `{"from": trial number,
"parameter": name, "to": value}`, or `{"restart": true}`."""

_SIGNED_STEPS = np.array([0.03, -0.03, 0.1, -0.1, 0.25, -0.25])  # of a wide range

_logger = get_logger(f"optuna.{__name__}")  # to be shown, or not, as Optuna's messages are


@dataclass(frozen=True)
class _Change:
    """One parameter of one structure changed.

    Attributes:
        member: Row of the structure in the history.
        place: Column of the parameter.
        to: Its new number.
        structure: What that makes of the structure, with the children that come and go.
    """

    member: int
    place: int
    to: float
    structure: Numbers


class GreedySampler(StructureSampler):
    """Changes one parameter at a time of the structures that none dominates."""

    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose the next change of a member; a random structure when there is none.

        What an enqueued trial leaves open is random, too: with its own answers it is no change.
        """
        if trial.system_attrs.get("fixed_params"):
            return {}
        start = self._segment()
        members = self._members(start)
        change = self._next_change(trial.number, members, self._tried(start))
        if change is None:
            if members.size:
                _logger.info(
                    f"Trial {trial.number}: every change of the {members.size} structures on the "
                    "front has been tried; the greedy search begins again at a random structure."
                )
            self._note(study, trial, {"restart": True})
            return {}
        parameter = self.history.columns[change.place].name
        number = self.history.trials[change.member].number
        self._note(study, trial, {"from": number, "parameter": parameter, "to": change.to})
        return self.proposal(change.structure)

    def _note(self, study: Study, trial: FrozenTrial, note: dict[str, Any]) -> None:
        study._storage.set_trial_system_attr(trial._trial_id, GREEDY, note)

    def _segment(self) -> int:
        """Find the row of the history at which the present climb began."""
        trials = self.history.trials
        return max(
            (i for i, t in enumerate(trials) if "restart" in t.system_attrs.get(GREEDY, {})),
            default=0,
        )

    def _members(self, start: int) -> NDArray[np.intp]:
        """Find the climb's front; while nothing is feasible, what breaks the limits by least."""
        history = self.history
        excess = history.excess[start:]
        if not np.isfinite(excess).any():
            return np.empty(0, dtype=int)
        nearest = np.flatnonzero(excess == excess.min())
        if excess.min() > 0:
            return start + nearest[:1]
        members = nearest[pareto.is_nondominated(history.losses[start:][nearest])]
        _, first = np.unique(
            np.array(history.keys(history.rows[start:][members]), dtype=object), return_index=True
        )
        return start + members[np.sort(first)]

    def _tried(self, start: int) -> set[tuple[int, str, float]]:
        trials = [*self.history.trials[start:], *self.history.running_trials]
        notes = [trial.system_attrs.get(GREEDY, {}) for trial in trials]
        return {(n["from"], n["parameter"], n["to"]) for n in notes if "from" in n}

    def _next_change(
        self, trial: int, members: NDArray[np.intp], tried: set[tuple[int, str, float]]
    ) -> _Change | None:
        """Choose a member with changes left, and of those the coordinate changed least so far."""
        if not members.size:
            return None
        history = self.history
        variation = self.variation(trial, history.rows[members])
        known = history.known_keys()
        for member in self.stream(trial, "member").permutation(members):
            row, number = history.rows[member], history.trials[member].number
            best: tuple[int, _Change] | None = None
            for place in np.flatnonzero(~np.isnan(row)):
                name = history.columns[place].name
                values = self._values(int(place), row[place])
                left = [v for v in values if (number, name, v) not in tried]
                for value in left:
                    changed = row.copy()
                    changed[place] = value
                    changed = variation.complete(changed)
                    if history.keys(changed[np.newaxis])[0] not in known:
                        count = len(values) - len(left)
                        if best is None or count < best[0]:
                            best = (count, _Change(int(member), int(place), value, changed))
                        break
            if best is not None:
                return best[1]
        return None

    def _values(self, place: int, value: float) -> list[float]:
        """List the values that a parameter may be changed to, the nearest first."""
        column = self.history.columns[place]
        found = column.settle(value + _SIGNED_STEPS) if column.levels is None else column.levels
        found = np.unique(found[found != value])
        if not column.is_category:
            found = found[np.argsort(np.abs(found - value), kind="stable")]
        values: list[float] = found.tolist()
        return values
