"""Tests of optistruct.evaluation.evaluate."""

import math
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_info, threadpool_limits

from optistruct import spaces
from optistruct.evaluation import EvaluationPlan, evaluate, make_plan
from optistruct.objectives import InferenceTime, ModelSize, Objective, ParameterCount, Score
from optistruct.spaces import Problem


def plan_of(X: Any, y: Any, *objectives: Objective, cv: Any = 3) -> EvaluationPlan:
    return make_plan(X, y, objectives, Problem.from_data(X, y), cv)


@dataclass(frozen=True, kw_only=True)
class Constant(Objective):
    """Measures the same of every model."""

    name: ClassVar[str] = "constant"
    value: float

    def measure(self, model: Any, X: Any, y: Any) -> float:
        return self.value


@dataclass(frozen=True, kw_only=True)
class Positive(Constant):
    name: ClassVar[str] = "positive"
    scale: ClassVar[Any] = "log"


class Watched(ClassifierMixin, BaseEstimator):
    """Notes the threads of its fits, and warns."""

    threads: ClassVar[set[int]] = set()

    def __init__(self, n_jobs: int | None = None) -> None:
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> "Watched":
        self.classes_ = np.unique(y)
        Watched.threads = {pool["num_threads"] for pool in threadpool_info()} | {self.n_jobs or 1}
        warnings.warn("not converged", UserWarning, stacklevel=1)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.classes_[0])


class TestEvaluate:
    def test_scores_as_scikit_learn_does(self, data: Any) -> None:
        X, y = data
        if Problem.from_data(X, y).is_classification:
            structure, scoring = DecisionTreeClassifier(max_depth=3, random_state=0), "accuracy"
        else:
            structure, scoring = DecisionTreeRegressor(max_depth=3, random_state=0), "r2"
        evaluation = evaluate(structure, plan_of(X, y, Score(scoring)))
        expected = cross_val_score(structure, X, y, cv=3, scoring=scoring)
        np.testing.assert_allclose(evaluation.folds[scoring], expected)

    def test_measures_every_objective_in_every_fold(self, binary: Any) -> None:
        plan = plan_of(
            *binary, Score("accuracy"), ParameterCount(), InferenceTime(), ModelSize(), cv=4
        )
        evaluation = evaluate(LogisticRegression(), plan)
        assert list(evaluation.folds) == ["accuracy", "parameters", "inference_time", "size"]
        assert all(len(values) == 4 for values in evaluation.folds.values())
        assert len(evaluation.fit_seconds) == 4
        assert all(seconds > 0 for seconds in evaluation.fit_seconds)
        assert evaluation.folds["parameters"] == (5.0,) * 4
        assert evaluation.warnings == ()

    def test_is_the_same_every_time(self, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"), ParameterCount())
        structure = RandomForestClassifier(5, random_state=3)
        assert evaluate(structure, plan).folds == evaluate(structure, plan).folds

    def test_is_the_same_after_pickling_as_a_worker_gets_it(self, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"), ParameterCount())
        structure = RandomForestClassifier(5, random_state=3)
        sent = pickle.loads(pickle.dumps((structure, plan)))
        assert evaluate(*sent).folds == evaluate(structure, plan).folds

    def test_is_the_same_whatever_scikit_learn_is_set_to_meanwhile(
        self, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X, y = mixed[0][["age", "visits"]].fillna(0), mixed[1]
        structure = make_pipeline(StandardScaler(), LogisticRegression())
        plan, sizes = plan_of(X, y, ModelSize()), set()
        with config_context(transform_output="pandas"):
            other = plan_of(X, y, ModelSize())
            sizes.add(evaluate(structure, plan).folds["size"])
        sizes.add(evaluate(structure, plan).folds["size"])
        assert len(sizes) == 1
        assert evaluate(structure, other).folds["size"] not in sizes

    def test_does_not_change_the_structure(self, binary: Any) -> None:
        structure = RandomForestClassifier(5, n_jobs=2)
        evaluate(structure, plan_of(*binary, Score("accuracy")))
        assert structure.n_jobs == 2
        assert not hasattr(structure, "estimators_")

    def test_takes_a_mixed_table(self, mixed: tuple[pd.DataFrame, np.ndarray]) -> None:
        X, y = mixed
        plan = plan_of(X, y, Score("balanced_accuracy"), InferenceTime())
        space = spaces.tabular(lambda trial: LogisticRegression())
        evaluation = evaluate(spaces.build(space, None, Problem.from_data(X, y), 0), plan)
        assert all(0 <= score <= 1 for score in evaluation.folds["balanced_accuracy"])

    def test_fits_on_one_thread(self, binary: Any) -> None:
        with threadpool_limits(2):
            assert 2 in {pool["num_threads"] for pool in threadpool_info()}
            evaluate(Watched(n_jobs=8), plan_of(*binary, Score("accuracy")))
            assert 2 in {pool["num_threads"] for pool in threadpool_info()}
        assert Watched.threads == {1}

    def test_keeps_each_warning_once(self, binary: Any) -> None:
        evaluation = evaluate(Watched(), plan_of(*binary, Score("accuracy")))
        assert evaluation.warnings == ("UserWarning: not converged",)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_refuses_a_value_that_is_not_finite(self, value: float, binary: Any) -> None:
        plan = plan_of(*binary, Constant(value=value))
        with pytest.raises(ValueError, match=rf"'constant' must be a number, got {value}"):
            evaluate(DummyClassifier(), plan)

    @pytest.mark.parametrize("value", [0.0, -3.0])
    def test_refuses_what_a_log_scale_cannot_show(self, value: float, binary: Any) -> None:
        with pytest.raises(ValueError, match="objective 'positive' must be a positive number, got"):
            evaluate(DummyClassifier(), plan_of(*binary, Positive(value=value)))
        linear = evaluate(DummyClassifier(), plan_of(*binary, Constant(value=value)))
        assert linear.values == {"constant": value}

    def test_lets_the_error_of_a_fit_through(self, binary: Any) -> None:
        structure = DecisionTreeClassifier(max_depth=-1)
        with pytest.raises(ValueError, match="The 'max_depth' parameter of DecisionTreeClassifier"):
            evaluate(structure, plan_of(*binary, Score("accuracy")))


class Held(ClassifierMixin, BaseEstimator):
    """Warns of itself when it has begun, and goes on when it is let go."""

    begun: ClassVar[dict[str, threading.Event]] = {}
    go: ClassVar[dict[str, threading.Event]] = {}

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, X: Any, y: Any) -> "Held":
        Held.begun[self.name].set()
        assert Held.go[self.name].wait(timeout=30)
        warnings.warn(f"this is {self.name}", UserWarning, stacklevel=1)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("first", ["a", "b"])
def test_threads_of_one_process_do_not_disturb_each_other(binary: Any, first: str) -> None:
    """The first to begin ends first, or last; the process is then what it was before both."""
    plan = plan_of(*binary, Score("accuracy"), cv=2)
    names = ["a", "b"]
    Held.begun, Held.go = ({name: threading.Event() for name in names} for _ in range(2))
    filters, show = [*warnings.filters], warnings.showwarning
    with ThreadPoolExecutor(2) as executor:
        running = {}
        for name in names:
            running[name] = executor.submit(evaluate, Held(name), plan)
            assert Held.begun[name].wait(timeout=30)
        for name in sorted(names, key=lambda name: name != first):
            Held.go[name].set()
            assert running[name].result().warnings == (f"UserWarning: this is {name}",)
    assert (warnings.filters, warnings.showwarning) == (filters, show)


def test_one_evaluation_within_another_leaves_it_its_warnings(binary: Any) -> None:
    plan = plan_of(*binary, Score("accuracy"), cv=2)

    class Nesting(Watched):
        def fit(self, X: Any, y: Any) -> Any:
            assert evaluate(Watched(), plan).warnings == ("UserWarning: not converged",)
            warnings.warn("its own", UserWarning, stacklevel=1)
            return super().fit(X, y)

    told = evaluate(Nesting(), plan).warnings
    assert told == ("UserWarning: its own", "UserWarning: not converged")
