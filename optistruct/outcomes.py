"""How trials end: what is stored of a structure, each time in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from optistruct.evaluation import Evaluation, Refusal, means
from optistruct.front import REPEATS
from optistruct.objectives import Objective
from optistruct.samplers import RACE
from optistruct.spaces import LimitBroken
from optistruct.storage import gathered
from optistruct.unfolding import EVALUATION

__all__ = ["FAILURE", "REFUSAL", "Outcomes"]

FAILURE = "optistruct:failure"
"""The user attribute of a failed trial that holds the reason."""

REFUSAL = "optistruct:refusal"
"""The user attribute of a trial that is infeasible without an evaluation: its `Refusal`."""

_STRUCTURE = "optistruct:structure"


class Outcomes:
    """Ends trials of a study, and knows which of them evaluated a structure.

    Args:
        study: The study; this process is its only writer.
        objectives: What structures are judged by.
        on_end: Called after each trial that ends.

    Attributes:
        evaluated: The number of the trial that evaluated a structure, by the structure's key.
        failures: How many trials were failed here.
        last_reason: Why the last of them was.
    """

    def __init__(
        self, study: optuna.Study, objectives: Sequence[Objective], on_end: Callable[[], None]
    ) -> None:
        self._study = study
        self._objectives = objectives
        self._on_end = on_end
        self.evaluated = {
            trial.user_attrs[_STRUCTURE]: trial.number
            for trial in study.get_trials(deepcopy=False)
            if trial.state == TrialState.COMPLETE and _STRUCTURE in trial.user_attrs
        }
        self.failures = 0
        self.last_reason = ""

    def complete(self, trial: Trial, evaluation: Evaluation, key: str | None) -> None:
        """Store what was measured.

        Args:
            trial: The trial.
            evaluation: The measurements.
            key: Tells its structure from others; None where nothing does.
        """
        known_by = {} if key is None else {_STRUCTURE: key}
        if key is not None:
            self.evaluated[key] = trial.number
        self._tell_values(trial, evaluation, known_by)

    def repeat(self, trial: Trial, known: int) -> None:
        """Store the values of the trial that evaluated the same structure."""
        before = self._study.get_trials(deepcopy=False)[known]
        evaluation = Evaluation.from_json(before.user_attrs[EVALUATION])
        self._tell_values(trial, replace(evaluation, curve=None), {REPEATS: known})

    def refuse(self, trial: Trial, refused: Refusal) -> None:
        """Store an infeasible structure: it has no values, and a constraint that steers TPE."""
        self._tell(
            trial,
            state=TrialState.PRUNED,
            attributes={REFUSAL: refused.to_json()},
            constraints={refused.constraint: refused.excess},
        )

    def refuse_branch(self, trial: Trial, broken: LimitBroken) -> None:
        """Store a structure whose space found that it must break a limit."""
        objective = next(o for o in self._objectives if o.name == broken.name)
        self.refuse(trial, Refusal.of_limit(objective, broken.figure))

    def prune(self, trial: Trial) -> None:
        """Store that the space pruned the trial."""
        self._tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: Trial, reason: str) -> None:
        """Store why a structure could not be evaluated."""
        self.failures += 1
        self.last_reason = reason
        self._tell(trial, state=TrialState.FAIL, attributes={FAILURE: reason})

    def _tell_values(
        self, trial: Trial, evaluation: Evaluation, attributes: Mapping[str, Any]
    ) -> None:
        values, measured = evaluation.values, means(evaluation.folds)
        constraints = {RACE: 0.0 if evaluation.pessimistic is None else 1.0}
        for objective in self._objectives:  # a pessimistic value need not break a limit
            constraints |= objective.violations(measured[objective.name])
        self._tell(
            trial,
            [values[objective.name] for objective in self._objectives],
            attributes={**attributes, EVALUATION: evaluation.to_json()},
            constraints=constraints,
        )

    def _tell(
        self,
        trial: Trial,
        values: list[float] | None = None,
        *,
        state: TrialState | None = None,
        attributes: Mapping[str, Any] | None = None,
        constraints: Mapping[str, float] | None = None,
    ) -> None:
        with gathered(self._study._storage):
            for name, value in (attributes or {}).items():
                trial.set_user_attr(name, value)
            for name, excess in (constraints or {}).items():
                trial.set_constraint(name, excess)
            self._study.tell(trial, values, state=state)
        self._on_end()
