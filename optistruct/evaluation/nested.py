"""The submodels of one evaluation: what is measured of them, fold by fold."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from optistruct.evaluation.curve import Curve
from optistruct.evaluation.fixed_cost import fixed_cost
from optistruct.evaluation.grid import Grid
from optistruct.evaluation.plan import EvaluationPlan
from optistruct.exceptions import SubmodelError
from optistruct.objectives import Objective
from optistruct.submodels import keeping, submodels_of

__all__ = ["Nested", "is_usable", "not_measured"]


class Nested:
    """Measures fitted models with the submodels of a grid, as long as these can be measured.

    Args:
        grid: The submodels that are wanted; None for none.
        plan: What they are measured by.

    Attributes:
        reasons: Why submodels are measured no more; empty while they are, or are not wanted.
    """

    def __init__(self, grid: Grid | None, plan: EvaluationPlan) -> None:
        self._grid = grid
        self._plan = plan
        self._fixed_cost: float | None = None
        # those that are measured, from small to large; the last is the one that is fitted
        self._values: tuple[Any, ...] | None = None
        self._is_cut = False
        self._folds: dict[str, list[list[float]]] = {o.name: [] for o in plan.objectives}
        self.reasons: list[str] = []

    @contextmanager
    def keeping(self, model: Any) -> Iterator[None]:
        """Have the fit of a model, within the `with` block, keep what the submodels need."""
        with ExitStack() as stack:
            if self._grid is not None and not self.reasons:
                smaller = self._grid.smaller if self._values is None else self._values[:-1]
                try:
                    stack.enter_context(keeping(model, smaller))
                except Exception as error:  # of a family of the user's own, too
                    self.give_up(error)
            yield

    def measure(self, model: Any, held_out: Callable[[], Any], y: Any) -> list[float] | None:
        """Measure the submodels of a fitted model, and the model with them.

        Args:
            model: The fitted model.
            held_out: Hands out the held-out rows for each objective.
            y: Their targets.

        Returns:
            The model's own values, one an objective; None where submodels are not measured.
        """
        if self._grid is None or self.reasons:
            return None
        try:
            return self._measure_each(self._grid, model, held_out, y)
        except Exception as error:  # of a family or an objective of the user's own, too
            self.give_up(error)
            return None

    def give_up(self, error: Exception) -> None:
        """Measure submodels no more, and note the reason."""
        self.reasons.append(not_measured(error))

    def _measure_each(
        self, grid: Grid, model: Any, held_out: Callable[[], Any], y: Any
    ) -> list[float]:
        nest = submodels_of(model)
        if self._values is None:
            low, high = nest.span()
            smaller = [value for value in grid.smaller if low <= value <= high]
            self._values = (*smaller, grid.own)
            self._fixed_cost = fixed_cost(nest, self._plan)
        nest = nest.among(self._values)
        if nest.difference is not None:
            raise SubmodelError(nest.difference)
        each = [
            [float(value) for value in objective.measure_each(nest, held_out(), y)]
            for objective in self._plan.objectives
        ]
        for objective, values in zip(self._plan.objectives, each, strict=True):
            self._folds[objective.name].append(values)
        return [values[-1] for values in each]

    def cut(self, value: Any) -> bool:
        """Let the submodel of a value take the place of the model on the folds that are left.

        Returns:
            Whether another model than before is to be fitted.
        """
        assert self._values is not None
        self._is_cut = True
        if value == self._values[-1]:
            return False
        left = self._values.index(value) + 1
        self._values = self._values[:left]
        self._folds = {
            name: [values[:left] for values in folds] for name, folds in self._folds.items()
        }
        return True

    def curve(self) -> Curve | None:
        """Hand out the submodels whose every value can be used; None if there are none."""
        if self._grid is None or self._values is None or self.reasons:
            return None
        values = self._values if self._is_cut else self._values[:-1]
        rows = {name: list(zip(*folds, strict=True)) for name, folds in self._folds.items()}
        usable = [
            place
            for place in range(len(values))
            if all(
                is_usable(o, value) for o in self._plan.objectives for value in rows[o.name][place]
            )
        ]
        if not usable:
            return None
        return Curve(
            self._grid.parameter,
            tuple(values[place] for place in usable),
            {name: tuple(each[place] for place in usable) for name, each in rows.items()},
            self._fixed_cost,
        )


def not_measured(error: Exception) -> str:
    """Write why the submodels of a structure are not measured."""
    return f"submodels were not measured: {type(error).__name__}: {error}"


def is_usable(objective: Objective, value: float) -> bool:
    """Tell whether a value can stand on the scale of an objective."""
    return math.isfinite(value) and (objective.scale == "linear" or value > 0)
