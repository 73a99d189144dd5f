"""The plain facts of a study, read from its database; every report is made of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from optuna.trial import TrialState

from optistruct import recipe
from optistruct.front import REPEATS, Candidate, ParetoFront
from optistruct.objectives import Objective
from optistruct.outcomes import FAILURE, REFUSAL
from optistruct.resources import machine_text
from optistruct.samplers import Visited, visited
from optistruct.spec import StudySpec
from optistruct.study import StructureStudy
from optistruct.unfolding import EVALUATION

__all__ = ["Summary", "limits", "number_text", "structure_text", "summarize", "value_text"]


@dataclass(frozen=True)
class Summary:
    """The plain facts of a study.

    Attributes:
        name: Name of the study.
        spec: What it is of.
        space: The structure space, as text.
        cv: The cross-validation, as text.
        front: Its Pareto front, with the structures that are not on it.
        states: Number of trials in each state, such as "complete" or "fail".
        failures: Why trials failed, with how many did; the most frequent first.
        warnings: What trials were told of beside their values, with how many were: what their fits
            warned of, and why submodels were not measured.
        refusals: Why structures were infeasible without an evaluation, with how many were.
        visited: How a finite space was gone through, if by backtracking; None otherwise.
        repeats: Number of trials whose structure had been evaluated before.
        lost: Number of trials that lost a race, so that they were not fitted on every fold.
        machines: What measured, by name, with the number of trials, those measured again included.
        begun: When the first trial began; None if there is none.
        ended: When the last trial ended; None if none has.
    """

    name: str
    spec: StudySpec
    space: str
    cv: str
    front: ParetoFront
    states: dict[str, int]
    failures: dict[str, int]
    warnings: dict[str, int]
    refusals: dict[str, int]
    visited: Visited | None
    repeats: int
    lost: int
    machines: dict[str, int]
    begun: datetime | None
    ended: datetime | None

    @property
    def trials(self) -> str:
        """Say how many trials there are and how they ended."""
        total = sum(self.states.values())
        broken, refused = len(self.front.infeasible), sum(self.refusals.values())
        notes = [
            f"{count} {word}"
            for count, word in (
                (self.states.get("fail", 0), "failed"),
                (self.states.get("pruned", 0) - refused, "pruned"),
                (self.states.get("running", 0), "unfinished"),
                (self.states.get("waiting", 0), "waiting"),
                (broken, "beyond a limit"),
                (refused, "refused"),
                (self.repeats, "repeated"),
                (self.lost, "lost a race"),
            )
            if count
        ]
        told = f"{total} trial{'s' * (total != 1)}" + (f" ({', '.join(notes)})" if notes else "")
        if self.visited:
            told += (
                f", {self.visited.evaluated:.0%} of the space evaluated and "
                f"{self.visited.cut:.0%} cut without a fit"
            )
        return told

    @property
    def submodels(self) -> list[str]:
        """Say which of the front are submodels, and what of them is estimated; if there are any."""
        nested = [candidate for candidate in self.front if candidate.is_submodel]
        if not nested:
            return []
        told = (
            f"{len(nested)} of {len(self.front)} on the front are submodels, measured in the fits "
            f"of a larger structure: {nested[0].key} is one of trial {nested[0].trial}."
        )
        estimated = sorted({name for candidate in nested for name in candidate.estimated})
        if estimated:
            told += (
                f" Their {' and '.join(estimated)} (~) are estimates until the front is "
                "measured again (remeasure)."
            )
        return [told]

    @property
    def times(self) -> list[str]:
        """Say how inference times and sizes came about, if not by one search on one machine."""
        told = []
        are_timed = any(objective.is_timed for objective in self.front.objectives)
        if len(self.machines) > 1 and are_timed:
            parts = (f"{name} ({count} evaluations)" for name, count in self.machines.items())
            told.append(
                f"Measured on {len(self.machines)} machines, whose times compare through the "
                f"reference, in the microseconds of the first: {'; '.join(parts)}."
            )
        again = [c.remeasurement for c in self.front if c.remeasurement]
        if again:
            machines = "; ".join(dict.fromkeys(machine_text(record.machine) for record in again))
            widths = f"; a fold's 95 % interval is at most {max(r.width for r in again):.1%} wide"
            told.append(
                f"The {'times' if are_timed else 'sizes'} of {len(again)} of {len(self.front)} on "
                f"the front were measured again, side by side, on {machines}, last on "
                f"{datetime.fromisoformat(max(r.moment for r in again)):%Y-%m-%d %H:%M}"
                f"{widths if are_timed else ''}."
            )
        return told


def summarize(study: StructureStudy) -> Summary:
    """Read the facts of a study from its database.

    Raises:
        StudyNotFoundError, StorageError, StudyMismatchError: As `StructureStudy.spec` does.
    """
    optuna_study = study.optuna_study
    trials = optuna_study.get_trials(deepcopy=False)
    failures = Counter(
        str(trial.user_attrs.get(FAILURE, "no reason was stored"))
        for trial in trials
        if trial.state == TrialState.FAIL
    )
    refusals = Counter(
        str(trial.user_attrs[REFUSAL]["reason"]) for trial in trials if REFUSAL in trial.user_attrs
    )
    evaluations = [
        trial.user_attrs[EVALUATION]
        for trial in trials
        if EVALUATION in trial.user_attrs and REPEATS not in trial.user_attrs
    ]
    warnings = Counter(text for evaluation in evaluations for text in evaluation["warnings"])
    machines = Counter(machine_text(evaluation["machine"]) for evaluation in evaluations)
    spec, front = study.spec, study.front()
    machines.update(machine_text(c.remeasurement.machine) for c in front if c.remeasurement)
    return Summary(
        name=study.name,
        spec=spec,
        space=recipe.text(spec.space),
        cv=recipe.text(spec.cv),
        front=front,
        states=dict(Counter(trial.state.name.lower() for trial in trials)),
        failures=dict(failures.most_common()),
        warnings=dict(warnings.most_common()),
        refusals=dict(refusals.most_common()),
        visited=visited(optuna_study) if spec.sampler == "backtracking" else None,
        repeats=sum(REPEATS in trial.user_attrs for trial in trials),
        lost=sum(bool(trial.user_attrs.get(EVALUATION, {}).get("pessimistic")) for trial in trials),
        machines=dict(machines),
        begun=min((t.datetime_start for t in trials if t.datetime_start), default=None),
        ended=max((t.datetime_complete for t in trials if t.datetime_complete), default=None),
    )


def limits(objective: Objective) -> list[tuple[str, float]]:
    """List an objective's limits, each as text (`at most 20,000`) and as a number."""
    sides = (("at most", objective.at_most), ("at least", objective.at_least))
    return [(f"{side} {limit:,.15g}", limit) for side, limit in sides if limit is not None]


def value_text(objective: Objective, candidate: Candidate) -> str:
    """Write a candidate's value of an objective, with its standard error where there is one.

    An estimate has a `~` before it.
    """
    value = candidate.values[objective.name]
    spread = candidate.standard_errors[objective.name]
    text = f"~{number_text(value)}" if objective.name in candidate.estimated else number_text(value)
    return f"{text} ± {_spread_text(spread, value)}" if spread > 0 else text


def _spread_text(spread: float, value: float) -> str:
    """Write a spread as its value is written, or by itself where that would make it nothing."""
    text = number_text(spread, like=value)
    return text if any(digit in text for digit in "123456789") else number_text(spread)


def structure_text(candidate: Candidate) -> str:
    """Write a candidate's parameters in one line: `lightgbm: n_estimators=65, num_leaves=4`."""
    family = candidate.parameters.get("family")
    listed = ", ".join(
        f"{name.removeprefix(f'{family}.')}={f'{v:.3g}' if isinstance(v, float) else v}"
        for name, v in candidate.parameters.items()
        if name != "family"
    )
    return f"{family}: {listed}" if family else listed


def number_text(value: float, like: float | None = None) -> str:
    """Write a number with about three digits: `23.2M`, `1,750`, `24.1`, `0.953`, `2.2e-06`.

    Args:
        value: The number.
        like: Write it with the unit and decimals that this other number has.
    """
    model = value if like is None else like
    if abs(model) >= 1e6:
        return f"{value / 1e6:,.2f}M"
    if 0 < abs(model) < 0.001:
        return f"{value:.2g}"
    decimals = 0 if model.is_integer() or abs(model) >= 100 else 1 if abs(model) >= 10 else 3
    return f"{value:,.{decimals}f}"
