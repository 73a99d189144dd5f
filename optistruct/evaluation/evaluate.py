"""One structure judged: fitted and measured in every fold, its submodels with it, on one thread."""

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from optistruct.evaluation.curve import Curve
from optistruct.evaluation.folds import fold_data
from optistruct.evaluation.grid import Grid
from optistruct.evaluation.plan import EvaluationPlan
from optistruct.evaluation.racing import Race
from optistruct.evaluation.record import Evaluation
from optistruct.exceptions import SubmodelError
from optistruct.objectives import Objective
from optistruct.resources import describe_machine, single_threaded
from optistruct.submodels import Submodels, submodels_of

__all__ = ["evaluate"]


def evaluate(
    estimator: Any, plan: EvaluationPlan, grid: Grid | None = None, race: Race | None = None
) -> Evaluation:
    """Fit and measure a structure in every fold, and those of its submodels that are wanted.

    A pure function of its arguments, times aside: it reads no database and keeps no state, so it
    runs in any process. Where submodels cannot be measured, the structure is all the same, and the
    evaluation's warnings say why.

    Args:
        estimator: The unfitted structure; it is not changed.
        plan: Data, folds and objectives.
        grid: The submodels that are wanted; None for none.
        race: What the structure must keep up with to be fitted on the next fold; None for nothing.

    Raises:
        ValueError: If an objective has no finite value, or none above 0 on a log scale.
        Exception: Whatever the fit or an objective raises.
    """
    structure = single_threaded(estimator)
    folds: dict[str, list[float]] = {objective.name: [] for objective in plan.objectives}
    seconds: list[float] = []
    nested = _Nested(grid, plan.objectives)
    data, pessimistic = fold_data(plan).of(structure), None
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for fold in range(len(plan.folds)):
            if race is not None and seconds:
                losses = _losses(plan.objectives, folds, nested)
                if race.is_lost(losses):
                    pessimistic = _pessimistic(plan.objectives, losses[0], race)
                    break
            rows = data.rows(fold)
            start = time.perf_counter()
            model = data.fit(fold, rows)
            seconds.append(time.perf_counter() - start)
            for objective, value in zip(
                plan.objectives, nested.measure(model, rows.X_test, rows.y_test), strict=True
            ):
                _check(objective, value)
                folds[objective.name].append(float(value))
    told = [f"{w.category.__name__}: {w.message}" for w in caught]
    return Evaluation(
        {name: tuple(values) for name, values in folds.items()},
        tuple(seconds),
        describe_machine(),
        tuple(dict.fromkeys([*told, *nested.reasons])),
        nested.curve(),
        pessimistic,
    )


def _losses(
    objectives: Sequence[Objective], folds: Mapping[str, Sequence[float]], nested: "_Nested"
) -> NDArray[np.float64]:
    """Turn what was measured so far into (n_structures, folds, n_objectives); first the whole."""
    curve = nested.curve()
    return np.stack(
        [
            objective.loss([folds[objective.name], *(curve.folds[objective.name] if curve else [])])
            for objective in objectives
        ],
        axis=2,
    )


def _pessimistic(
    objectives: Sequence[Objective], losses: NDArray[np.float64], race: Race
) -> dict[str, float]:
    """Tell how bad the means may become when all folds are in."""
    worst = race.worst(losses)
    return {o.name: float(o.from_loss(loss)) for o, loss in zip(objectives, worst, strict=True)}


def _check(objective: Objective, value: float) -> None:
    if not _is_usable(objective, value):
        expected = "a positive number" if objective.scale == "log" else "a number"
        raise ValueError(f"the objective {objective.name!r} must be {expected}, got {value}")


def _is_usable(objective: Objective, value: float) -> bool:
    return math.isfinite(value) and (objective.scale == "linear" or value > 0)


class _Nested:
    """Measures fitted models with the submodels of a grid, as long as these can be measured."""

    def __init__(self, grid: Grid | None, objectives: Sequence[Objective]) -> None:
        self._grid = grid
        self._objectives = objectives
        self._values: tuple[Any, ...] | None = None
        self._folds: dict[str, list[list[float]]] = {o.name: [] for o in objectives}
        self.reasons: list[str] = []

    def measure(self, model: Any, X: Any, y: Any) -> list[float]:
        """Measure a fitted model, a value an objective, and keep what its submodels bring."""
        if self._grid is not None and not self.reasons:
            try:
                each = self._measure_each(submodels_of(model), self._grid, X, y)
            except Exception as error:  # of a family or an objective of the user's own, too
                self.reasons.append(f"submodels were not measured: {type(error).__name__}: {error}")
            else:
                return [values[-1] for values in each]
        return [objective.measure(model, X, y) for objective in self._objectives]

    def _measure_each(self, nest: Submodels, grid: Grid, X: Any, y: Any) -> list[list[float]]:
        if self._values is None:
            low, high = nest.span()
            self._values = tuple(value for value in grid.smaller if low <= value <= high)
        nest = nest.among([*self._values, grid.own])
        if nest.difference is not None:
            raise SubmodelError(nest.difference)
        each = [objective.measure_each(nest, X, y) for objective in self._objectives]
        for objective, values in zip(self._objectives, each, strict=True):
            self._folds[objective.name].append(values[:-1])
        return each

    def curve(self) -> Curve | None:
        """Hand out the submodels whose every value can be used; None if there are none."""
        if self._grid is None or self.reasons or not self._values:
            return None
        rows = {name: list(zip(*folds, strict=True)) for name, folds in self._folds.items()}
        usable = [
            place
            for place in range(len(self._values))
            if all(_is_usable(o, value) for o in self._objectives for value in rows[o.name][place])
        ]
        if not usable:
            return None
        return Curve(
            self._grid.parameter,
            tuple(self._values[place] for place in usable),
            {name: tuple(each[place] for place in usable) for name, each in rows.items()},
        )
