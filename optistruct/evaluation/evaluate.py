"""One structure judged: fitted and measured in every fold, its submodels with it, on one thread."""

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context

from optistruct.evaluation.folds import fold_data
from optistruct.evaluation.grid import Grid
from optistruct.evaluation.nested import Nested, is_usable
from optistruct.evaluation.plan import EvaluationPlan
from optistruct.evaluation.racing import Race
from optistruct.evaluation.record import Evaluation
from optistruct.evaluation.warned import collected_warnings
from optistruct.objectives import Objective
from optistruct.resources import describe_machine, one_thread, single_threaded
from optistruct.submodels import submodel_parameter

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
        race: What the structure must keep up with to be fitted on the next fold; where it does not,
            but submodels do, the largest of these is fitted in its place. None for nothing.

    Raises:
        ValueError: If an objective has no finite value, or none above 0 on a log scale.
        Exception: Whatever the fit or an objective raises.
    """
    course = _Course(single_threaded(estimator), plan, grid)
    with config_context(**plan.settings), one_thread(), collected_warnings() as told:
        for fold in range(len(plan.folds)):
            if race is not None and fold:
                course.judge(race)
            if course.is_over:
                break
            course.run(fold)
    return Evaluation(
        {name: tuple(values) for name, values in course.folds.items()},
        tuple(course.seconds),
        describe_machine(),
        tuple(dict.fromkeys([*told, *course.nested.reasons])),
        None if course.is_over else course.nested.curve(),
        course.pessimistic,
    )


class _Course:
    """The way of one structure through the folds; a submodel may take its place on the last ones.

    Args:
        structure: The unfitted structure, on one thread.
        plan: Data, folds and objectives.
        grid: The submodels that are wanted; None for none.

    Attributes:
        folds: Each objective's name and the structure's own values so far.
        seconds: Seconds of each fit.
        nested: The submodels.
        pessimistic: What the means of the structure may be, once it is cut; None before.
        is_over: Whether nothing is left to be fitted on further folds.
    """

    def __init__(self, structure: Any, plan: EvaluationPlan, grid: Grid | None) -> None:
        self._structure = structure
        self._plan = plan
        self._fold_data = fold_data(plan)
        self._data = self._fold_data.of(structure)
        self.folds: dict[str, list[float]] = {objective.name: [] for objective in plan.objectives}
        self.seconds: list[float] = []
        self.nested = Nested(grid, plan)
        self.pessimistic: dict[str, float] | None = None
        self.is_over = False

    def run(self, fold: int) -> None:
        """Fit and measure what is left on the next fold."""
        rows = self._data.rows(fold)
        start = time.perf_counter()
        try:
            model = self._data.fit(fold, rows, self.nested.keeping)
        except Exception as error:
            if self.pessimistic is None:
                raise
            self.nested.give_up(error)
            self.is_over = True
            return
        self.seconds.append(time.perf_counter() - start)
        held_out = partial(self._data.held_out, rows)
        values = self.nested.measure(model, held_out, rows.y_test)
        if self.pessimistic is not None:
            self.is_over = values is None
            return
        for place, objective in enumerate(self._plan.objectives):
            value = values[place] if values else objective.measure(model, held_out(), rows.y_test)
            _check(objective, value)
            self.folds[objective.name].append(float(value))

    def judge(self, race: Race) -> None:
        """See what is still in the race after the folds so far, and let go of what is larger."""
        values = self._values()
        left = race.left(values)
        if self.pessimistic is None:
            if left == len(values):
                return
            worst = race.worst(values[-1])
            self.pessimistic = dict(zip(self.folds, worst, strict=True))
        curve = self.nested.curve()
        if curve is None or not left:
            self.is_over = True
        elif self.nested.cut(curve.values[left - 1]):
            parameter = submodel_parameter(self._structure)
            self._structure.set_params(**{parameter: curve.values[left - 1]})
            self._data = self._fold_data.of(self._structure)

    def _values(self) -> NDArray[np.float64]:
        """Put what was measured so far into (n_structures, folds, n_objectives), small to large.

        The last is the structure itself, until it is cut.
        """
        curve = self.nested.curve()
        columns = []
        for objective in self._plan.objectives:
            rows = [*curve.folds[objective.name]] if curve else []
            if self.pessimistic is None:
                rows.append(tuple(self.folds[objective.name]))
            columns.append(np.reshape(rows, (-1, len(self.seconds))))
        return np.stack(columns, axis=2)


def _check(objective: Objective, value: float) -> None:
    if not is_usable(objective, value):
        expected = "a positive number" if objective.scale == "log" else "a number"
        raise ValueError(f"the objective {objective.name!r} must be {expected}, got {value}")
