"""What one trial measured, unfolded: its structure, and the submodels of its structure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from optistruct.evaluation import Evaluation, Remeasurement, means, standard_error
from optistruct.objectives import Objective
from optistruct.samplers import Nest

__all__ = [
    "EVALUATION",
    "Measured",
    "evaluation_of",
    "excess",
    "feasible_losses",
    "losses",
    "nest",
    "remeasured_key",
    "unfold",
]

EVALUATION = "optistruct:evaluation"
"""The user attribute of a trial that holds its `Evaluation`."""


@dataclass(frozen=True)
class Measured:
    """One structure that a trial measured.

    Attributes:
        trial: The trial.
        submodel: The parameter, as the space names it, in which it is smaller than the trial's
            structure, and its value; None for the trial's structure itself.
        folds: Each objective's name and its values, one a fold; empty where they are unknown.
        values: Each objective's mean over the folds, in its unit.
        is_feasible: Whether it meets every limit.
        remeasurement: What was measured again, and is among its values; None if nothing was.
    """

    trial: FrozenTrial
    submodel: tuple[str, Any] | None
    folds: Mapping[str, tuple[float, ...]]
    values: Mapping[str, float]
    is_feasible: bool
    remeasurement: Remeasurement | None = None

    @property
    def key(self) -> str:
        """Tell the structure from all others of its study: `17`, or `17:120` for a submodel."""
        number = str(self.trial.number)
        return number if self.submodel is None else f"{number}:{self.submodel[1]}"

    @property
    def parameters(self) -> dict[str, Any]:
        """What the space is answered to build it."""
        return {**self.trial.params, **dict([self.submodel] if self.submodel else [])}

    @property
    def structure(self) -> str:
        """Tell one structure from another, whichever trials measured them; 40 is 40.0."""
        values = {
            name: float(value) if type(value) is int else value
            for name, value in self.parameters.items()
        }
        return repr(sorted(values.items()))

    def standard_error(self, name: str) -> float:
        """Tell the standard error of an objective's mean; NaN where unknown."""
        return standard_error(self.folds.get(name, ()))

    def is_estimate(self, objective: Objective) -> bool:
        """Tell whether a value was estimated from other submodels, not measured."""
        is_measured = self.remeasurement is not None or self.submodel is None
        return objective.estimates_submodels and not is_measured


def remeasured_key(key: str) -> str:
    """Name the user attribute of a study that holds a structure's `Remeasurement`, by its key.

    A finished trial takes no attributes any more, so the study holds it.
    """
    return f"optistruct:remeasured:{key}"


def evaluation_of(trial: FrozenTrial) -> Evaluation | None:
    """Read what was measured of a trial's structure; None where nothing was stored."""
    record = trial.user_attrs.get(EVALUATION)
    return None if record is None else Evaluation.from_json(record)


def unfold(
    trial: FrozenTrial, objectives: Sequence[Objective], attributes: Mapping[str, Any]
) -> Iterator[Measured]:
    """Go through what a complete trial measured: its structure, then the submodels, small to large.

    A structure that lost a race was not measured in every fold, so it is left out; its submodels
    are there where they were. So is one whose trial somebody told infinite values.

    Args:
        trial: The trial.
        objectives: What structures are judged by.
        attributes: The study's user attributes, which hold what was measured again.
    """
    evaluation = evaluation_of(trial)
    is_measured = evaluation is None or evaluation.pessimistic is None
    if is_measured and all(map(isfinite, trial.values)):
        whole = Measured(
            trial,
            None,
            {} if evaluation is None else evaluation.folds,
            {o.name: value for o, value in zip(objectives, trial.values, strict=True)},
            all(violation <= 0 for violation in trial.constraints.values()),
        )
        yield _again(whole, objectives, attributes)
    if evaluation is None or evaluation.curve is None:
        return
    for value, folds in evaluation.curve:
        values = means(folds)
        submodel = (evaluation.curve.parameter, value)
        nested = Measured(trial, submodel, folds, values, excess(values, objectives) == 0)
        yield _again(nested, objectives, attributes)


def feasible_losses(trial: FrozenTrial, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """List what a complete trial measured that meets every limit, as losses.

    Returns:
        (n, n_objectives) array, on the objectives' scales; smaller is better.
    """
    values = [one.values for one in unfold(trial, objectives, {}) if one.is_feasible]
    return losses(values, objectives)


def nest(objectives: Sequence[Objective], trial: FrozenTrial) -> Nest | None:
    """Read the submodels that a complete trial measured, as a sampler learns from them."""
    evaluation = evaluation_of(trial)
    curve = None if evaluation is None else evaluation.curve
    if curve is None:
        return None
    each = [means(folds) for _, folds in curve]
    return Nest(
        parameter=curve.parameter,
        values=list(curve.values),
        measured=[[values[o.name] for o in objectives] for values in each],
        excess=[excess(values, objectives) for values in each],
        fixed_cost=curve.fixed_cost,
    )


def losses(
    values: Sequence[Mapping[str, float]], objectives: Sequence[Objective]
) -> NDArray[np.float64]:
    """Turn the values of several structures into losses.

    Args:
        values: Each structure's values, by the name of the objective, in its unit.
        objectives: The objectives.

    Returns:
        (n, n_objectives) array, on the objectives' scales; smaller is better.
    """
    columns = [o.loss(np.array([one[o.name] for one in values], dtype=float)) for o in objectives]
    return np.column_stack(columns)


def excess(values: Mapping[str, float], objectives: Sequence[Objective]) -> float:
    """Tell how far a structure is beyond its limits; 0 if it meets all."""
    return sum(
        max(violation, 0.0)
        for objective in objectives
        for violation in objective.violations(values[objective.name]).values()
    )


def _again(
    measured: Measured, objectives: Sequence[Objective], attributes: Mapping[str, Any]
) -> Measured:
    """Put what was measured again in the place of what the search measured."""
    record = attributes.get(remeasured_key(measured.key))
    if record is None:
        return measured
    again = Remeasurement.from_json(record)
    values = {**measured.values, **means(again.folds)}
    return replace(
        measured,
        folds={**measured.folds, **again.folds},
        values=values,
        is_feasible=excess(values, objectives) == 0,
        remeasurement=again,
    )
