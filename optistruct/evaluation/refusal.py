"""A structure that is infeasible without an evaluation: a limit says so, or a conversion."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from optistruct.evaluation.plan import EvaluationPlan
from optistruct.exceptions import NotConvertibleError
from optistruct.objectives import Objective

__all__ = ["Refusal", "refusal"]


@dataclass(frozen=True)
class Refusal:
    """Why a structure is infeasible without having been evaluated.

    Attributes:
        reason: The limit that it must break, such as `parameters <= 20000`, or why it cannot be
            converted.
        figure: The least, or most, that its value can be; None where there is no such figure.
        excess: How far that is beyond the limit, on the objective's scale; above 0.
    """

    reason: str
    figure: float | None
    excess: float

    @property
    def constraint(self) -> str:
        """Name the constraint that is broken."""
        return "convertible" if self.figure is None else self.reason

    def to_json(self) -> dict[str, Any]:
        """Write the record as JSON."""
        return asdict(self)

    @classmethod
    def of_limit(cls, objective: Objective, figure: float) -> Self:
        """Refuse a structure whose value is at best a figure beyond a limit."""
        excess = objective.violations(figure)
        limit = max(excess, key=excess.__getitem__)
        return cls(limit, figure, excess[limit])

    @classmethod
    def of_conversion(cls, error: NotConvertibleError) -> Self:
        """Refuse a structure that cannot be converted."""
        return cls(str(error), None, 1.0)


def refusal(structure: Any, plan: EvaluationPlan) -> Refusal | None:
    """Tell which limit a structure must break whatever the fit brings; None if it need not.

    Args:
        structure: The unfitted estimator.
        plan: Data, folds and objectives.
    """
    for objective in plan.objectives:
        if objective.at_most is None and objective.at_least is None:
            continue
        bounds = objective.bounds(structure, plan.table)
        for figure, is_beyond in (
            (bounds.low, objective.at_most is not None and bounds.low > objective.at_most),
            (bounds.high, objective.at_least is not None and bounds.high < objective.at_least),
        ):
            if is_beyond:
                return Refusal.of_limit(objective, figure)
    return None
