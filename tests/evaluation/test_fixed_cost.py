"""Tests of optistruct.evaluation.fixed_cost."""

from typing import Any

import optuna
import pytest
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optistruct import spaces
from optistruct.evaluation import EvaluationPlan, evaluate, make_plan, submodel_grid
from optistruct.evaluation.fixed_cost import fixed_cost
from optistruct.exceptions import SubmodelError
from optistruct.objectives import InferenceTime, Objective, ParameterCount, Score
from optistruct.spaces import Problem
from optistruct.submodels import submodels_of

JUDGED = (Score("accuracy"), ParameterCount())


def plan_of(
    *objectives: Objective, rows: int = 100, features: int = 10, classes: int = 2
) -> EvaluationPlan:
    X, y = make_classification(
        rows, features, n_informative=8, n_redundant=0, n_classes=classes, random_state=0
    )
    return make_plan(X, y, objectives or JUDGED, Problem.from_data(X, y), cv=3)


def boosting() -> LGBMClassifier:
    return LGBMClassifier(n_estimators=5, verbose=-1)


def of_fit(structure: Any, plan: EvaluationPlan) -> float | None:
    return fixed_cost(submodels_of(structure.fit(plan.X, plan.y)), plan)


def cost(structure: Any, plan: EvaluationPlan) -> float:
    told = of_fit(structure, plan)
    assert told is not None
    return told


def test_is_many_steps_where_steps_are_quick() -> None:
    model = boosting()
    small, large = plan_of(), plan_of(rows=2000, features=20)
    assert cost(model, small) > 100
    assert 10 < cost(model, large) < cost(model, small) / 2
    assert cost(RandomForestClassifier(5), small) < cost(model, small) / 5


def test_is_fewer_steps_where_each_class_takes_its_own() -> None:
    two, eight = plan_of(rows=400), plan_of(rows=400, classes=8)
    assert cost(boosting(), two) == pytest.approx(8 * cost(boosting(), eight), rel=0.05)
    forest = RandomForestClassifier(5)
    assert cost(forest, two) == pytest.approx(cost(forest, eight), rel=0.05)


def test_is_more_where_inference_is_timed() -> None:
    timed = plan_of(*JUDGED, InferenceTime())
    assert cost(boosting(), timed) > 5 * cost(boosting(), plan_of())


def test_of_a_pipeline_is_that_of_its_last_step() -> None:
    plan, model = plan_of(), boosting()
    assert cost(make_pipeline(StandardScaler(), model), plan) == cost(model, plan)


def test_is_none_where_fits_take_as_long_whatever_the_value() -> None:
    assert of_fit(KNeighborsClassifier(), plan_of()) is None


def test_refuses_what_holds_no_submodels() -> None:
    with pytest.raises(SubmodelError, match="GaussianNB holds no submodels"):
        of_fit(GaussianNB(), plan_of())


def test_is_kept_with_what_was_measured() -> None:
    plan = plan_of()
    problem = Problem.from_data(plan.X, plan.y)
    trial = optuna.trial.FixedTrial(
        {"n_estimators": 12, "max_depth": 3, "min_samples_leaf": 1, "max_features": 0.5}
    )
    forest = spaces.build(spaces.random_forest, trial, problem, 0)
    grid = submodel_grid(spaces.random_forest, trial, problem, 0, forest)
    evaluation = evaluate(forest, plan, grid)
    assert evaluation.curve is not None
    assert evaluation.curve.fixed_cost == cost(forest, plan)
