"""Studies to report on, written trial by trial, so that every figure in them is known."""

from collections.abc import Callable, Sequence
from typing import Any

import optuna
import pytest
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.objectives import Objective
from optistruct.outcomes import FAILURE
from optistruct.resources import describe_machine
from optistruct.unfolding import EVALUATION


def tree(trial: Any) -> Any:
    return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 9))


Point = Sequence[float] | str | None
"""Values of a trial, the reason why it failed, or None for one that is unfinished."""


@pytest.fixture
def study_of(binary: tuple[Any, Any]) -> Callable[..., StructureStudy]:
    """Make a study of given points: `study_of(objectives, points)`, trial by trial."""

    def make(
        objectives: Sequence[Objective],
        points: Sequence[Point],
        *,
        name: str = "points",
        space: Any = tree,
        storage: Any = None,
        processors: Sequence[str] = ("one",),
    ) -> StructureStudy:
        storage = storage or optuna.storages.InMemoryStorage()
        study = StructureStudy(space, objectives, name=name, storage=storage, cv=3)
        with pytest.raises(KeyboardInterrupt):  # makes the study, and no trial
            study.optimize(*binary, n_trials=1, callbacks=[_interrupt])
        plain = study.optuna_study
        for number, point in enumerate(points):
            plain.enqueue_trial({"max_depth": number % 9 + 1})
            trial = plain.ask()
            if point is None:
                continue
            space(trial)
            if isinstance(point, str):
                trial.set_user_attr(FAILURE, point)
                plain.tell(trial, state=optuna.trial.TrialState.FAIL)
                continue
            folds = {o.name: [0.9 * v, v, 1.1 * v] for o, v in zip(objectives, point, strict=True)}
            machine = describe_machine() | {"processor": processors[number % len(processors)]}
            record = {
                "folds": folds,
                "fit_seconds": [0.1] * 3,
                "machine": machine,
                "warnings": [],
                "curve": None,
                "pessimistic": None,
            }
            trial.set_user_attr(EVALUATION, record)
            for objective, value in zip(objectives, point, strict=True):
                for limit, excess in objective.violations(value).items():
                    trial.set_constraint(limit, excess)
            plain.tell(trial, list(point))
        return study

    return make


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
