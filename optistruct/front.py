"""The Pareto front of a study, and its members: choose, build, fit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from optuna.trial import FixedTrial, TrialState

from optistruct import pareto
from optistruct.evaluation import Remeasurement
from optistruct.exceptions import ArgumentError, StudyError
from optistruct.objectives import Objective
from optistruct.spaces import AnyTrial, Problem, Space, build, suggest
from optistruct.spec import StudySpec
from optistruct.unfolding import Measured, excess, losses, unfold

__all__ = ["REPEATS", "Candidate", "ParetoFront", "each_once", "read_front"]

REPEATS = "optistruct:repeats"
"""The user attribute of a trial whose structure was evaluated before: the number of that trial."""


@dataclass(frozen=True)
class Candidate:
    """One structure that was measured.

    Attributes:
        trial: Number of the trial that measured it.
        key: Tells it from all others of the study: `17`, the structure of trial 17, or `17:120`,
            a submodel of that structure, measured in the same fits.
        parameters: What the space is answered to build it.
        values: Each objective's mean over the folds, in its unit.
        standard_errors: Each mean's standard error over the folds; NaN where unknown.
        is_feasible: Whether it meets every limit.
        remeasurement: Its inference times as they were measured again, which are then among its
            values; None if they were not.
        estimated: The objectives whose value is an estimate, as a submodel's inference time is
            until it is measured again.
    """

    trial: int
    key: str
    parameters: Mapping[str, Any]
    values: Mapping[str, float]
    standard_errors: Mapping[str, float]
    is_feasible: bool
    remeasurement: Remeasurement | None
    estimated: frozenset[str]
    _space: Space = field(repr=False)
    _problem: Problem = field(repr=False)
    _seed: int = field(repr=False)

    @property
    def is_submodel(self) -> bool:
        """Whether it was measured in the fits of a larger structure."""
        return self.key != str(self.trial)

    def build(self) -> Any:
        """Build the unfitted estimator, exactly the structure that was measured.

        Raises:
            RecipeError: If the study was loaded and its space cannot be imported by name.
            StudyMismatchError: If the space is not the one that was measured, because it was
                changed or another one was handed over.
        """
        return build(self._space, FixedTrial(dict(self.parameters)), self._problem, self._seed)

    def fit(self, X: Any, y: Any) -> Any:
        """Build the estimator and fit it.

        Args:
            X: (rows, features) table.
            y: (rows,) target.

        Returns:
            The fitted estimator.

        Raises:
            RecipeError, StudyMismatchError: As `build` does.
        """
        model = self.build()
        model.fit(X, y)
        return model


class ParetoFront(Sequence[Candidate]):
    """The structures that no other dominates, among those that meet every limit.

    They are in order of the first objective, the best first.

    Args:
        candidates: All structures that were measured.
        objectives: What they were judged by.

    Attributes:
        objectives: What the structures were judged by.
        dominated: The other structures of trials that meet every limit.
        infeasible: The structures of trials that break a limit.
    """

    def __init__(self, candidates: Sequence[Candidate], objectives: Sequence[Objective]) -> None:
        self.objectives = tuple(objectives)
        feasible = [candidate for candidate in candidates if candidate.is_feasible]
        on_front = pareto.is_nondominated(self._losses(feasible))
        members = [c for c, is_member in zip(feasible, on_front, strict=True) if is_member]
        order = np.lexsort(self._losses(members).T[::-1])
        self._members: tuple[Candidate, ...] = tuple(members[i] for i in order)
        self.dominated = tuple(
            c for c, is_member in zip(feasible, on_front, strict=True) if not is_member
        )
        self.infeasible = tuple(c for c in candidates if not c.is_feasible)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, index: int | slice) -> Candidate | tuple[Candidate, ...]:
        """Hand out members by their place."""
        return self._members[index]

    def __len__(self) -> int:
        """Count the members."""
        return len(self._members)

    def __iter__(self) -> Iterator[Candidate]:
        """Go through the members, the best in the first objective first."""
        return iter(self._members)

    def __repr__(self) -> str:
        """Say how many members there are, of what."""
        names = ", ".join(objective.name for objective in self.objectives)
        return f"<ParetoFront of {len(self)} structures: {names}>"

    def to_frame(self) -> pd.DataFrame:
        """Make a table of the members.

        Returns:
            One row a member: `trial`, `is_submodel`, every parameter (missing where a structure has
            none of this name; `params_...` where its name is another column's), then every
            objective and its standard error (`..._se`).
        """
        names = [objective.name for objective in self.objectives]
        metrics = [column for name in names for column in (name, f"{name}_se")]
        leading = ["trial", "is_submodel"]
        reserved = {*leading, *metrics}
        rows = []
        for candidate in self:
            row: dict[str, Any] = {
                "trial": candidate.trial,
                "is_submodel": candidate.is_submodel,
            }
            for name, value in candidate.parameters.items():
                row[f"params_{name}" if name in reserved else name] = value
            for objective in self.objectives:
                row[objective.name] = candidate.values[objective.name]
                row[f"{objective.name}_se"] = candidate.standard_errors[objective.name]
            rows.append(row)
        if not rows:
            return pd.DataFrame(columns=[*leading, *metrics])
        frame = pd.DataFrame(rows)
        parameters = sorted(set(frame.columns) - reserved)
        return frame[[*leading, *parameters, *metrics]]

    def hypervolume(self, reference: Mapping[str, float] | None = None) -> float:
        """Measure the region that the front dominates, as far as a reference point.

        Every objective counts on its own scale: log10 where it is on a log scale.

        Args:
            reference: The worst acceptable value of each objective, by name, in its unit. By
                default the worst values among the structures that meet every limit; that box
                grows with the study, so compare studies by a reference of your own.

        Returns:
            The volume; 0 for an empty front.

        Raises:
            ArgumentError: If the reference does not name exactly the objectives.
        """
        if reference is None:
            if not self._members:
                return 0.0
            worst = self._losses([*self._members, *self.dominated]).max(axis=0)
        else:
            names = {objective.name for objective in self.objectives}
            if set(reference) != names:
                raise ArgumentError(
                    f"reference must give a value for each of {', '.join(sorted(names))}, "
                    f"got {', '.join(sorted(reference)) or 'none'}"
                )
            worst = np.array([o.loss(reference[o.name]) for o in self.objectives])
        return pareto.hypervolume(self._losses(self._members), worst)

    def select(self, how: str | Callable[[Candidate], float]) -> Candidate:
        """Choose a member.

        Args:
            how: "best" for the best in the first objective; "knee" for the one furthest below
                the plane through the front's extremes (see `pareto.knee`); or a function of a
                candidate, whose largest value wins.

        Raises:
            StudyError: If the front is empty.
            ArgumentError: If `how` is another text.
        """
        if not self._members:
            raise StudyError(f"the front is empty: {self._reason_for_none()}")
        if callable(how):
            return max(self._members, key=how)
        if how == "best":
            return self._members[0]
        if how == "knee":
            return self._members[pareto.knee(self._losses(self._members))]
        raise ArgumentError(f"how must be 'knee', 'best' or a function, got {how!r}")

    def _reason_for_none(self) -> str:
        miss = self.nearest_miss
        if miss is not None:
            nearest = f" (trial {miss.trial} comes nearest)"
        elif any(o.at_most is not None or o.at_least is not None for o in self.objectives):
            nearest = ""
        else:
            return "no structure has been measured yet; search on"
        return f"no structure meets every limit; loosen a limit or search on{nearest}"

    @cached_property
    def nearest_miss(self) -> Candidate | None:
        """The structure that breaks the limits by least; None if none breaks any."""
        return min(self.infeasible, key=lambda c: excess(c.values, self.objectives), default=None)

    def _losses(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        return losses([candidate.values for candidate in candidates], self.objectives)


class _MeasuredSpace:
    """The space of a study, seen to be the one that was measured before anything is built."""

    def __init__(self, space: Space, spec: StudySpec) -> None:
        self.space = space
        self.spec = spec
        self.is_checked = False

    def __call__(self, trial: AnyTrial, problem: Problem) -> Any:
        if not self.is_checked:
            self.spec.check_space(self.space)
            self.is_checked = True
        return suggest(self.space, trial, problem)


def read_front(study: optuna.Study, spec: StudySpec, space: Space) -> ParetoFront:
    """Read the front from the trials of a study, with the submodels that are on it."""
    space = _MeasuredSpace(space, spec)
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    attributes = study.user_attrs
    measured = [
        one
        for trial in trials
        if REPEATS not in trial.user_attrs
        for one in unfold(trial, spec.objectives, attributes)
    ]
    each = each_once(measured) if any(o.estimates_submodels for o in spec.objectives) else measured
    shown = [one for one in measured if one.submodel is None] + _of_use(each, spec.objectives)
    return ParetoFront([_candidate(one, spec, space) for one in shown], spec.objectives)


def each_once(measured: Sequence[Measured]) -> list[Measured]:
    """Leave out submodels of structures that are there already, the best known of each kept.

    Estimates of one structure differ, and the least of several would be too good. What was measured
    again is known best, then what is a trial of its own, then the first estimate.

    Args:
        measured: What the trials of a study measured, in order.
    """
    order = sorted(measured, key=lambda one: (one.remeasurement is None, one.submodel is not None))
    first: dict[str, Measured] = {}
    for one in order:
        first.setdefault(one.structure, one)
    kept = set(map(id, first.values()))
    return [one for one in measured if one.submodel is None or id(one) in kept]


def _of_use(measured: Sequence[Measured], objectives: Sequence[Objective]) -> list[Measured]:
    """List the submodels on the front, each structure once, whichever trial measured it."""
    feasible = [one for one in measured if one.is_feasible]
    on_front = pareto.is_nondominated(losses([one.values for one in feasible], objectives))
    members = [one for one, is_member in zip(feasible, on_front, strict=True) if is_member]
    known = {one.structure for one in members if one.submodel is None}
    found = []
    for one in members:
        if one.submodel is not None and one.structure not in known:
            known.add(one.structure)
            found.append(one)
    return found


def _candidate(measured: Measured, spec: StudySpec, space: Space) -> Candidate:
    return Candidate(
        trial=measured.trial.number,
        key=measured.key,
        parameters=measured.parameters,
        values=measured.values,
        standard_errors={o.name: measured.standard_error(o.name) for o in spec.objectives},
        is_feasible=measured.is_feasible,
        remeasurement=measured.remeasurement,
        estimated=frozenset(o.name for o in spec.objectives if measured.is_estimate(o)),
        _space=space,
        _problem=spec.problem,
        _seed=spec.seed,
    )
