"""What every objective must do, and what each of the built-in ones is."""

import json
import math
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from optistruct import objectives, recipe
from optistruct.exceptions import ArgumentError, ResourceError, UnknownNameError
from optistruct.objectives import (
    InferenceTime,
    ModelSize,
    Objective,
    Operations,
    ParameterCount,
    Score,
    check_objectives,
)
from optistruct.resources import InferenceTiming


class Throughput(Objective):
    """The more the better, by ratios."""

    direction: ClassVar[Any] = "maximize"
    scale: ClassVar[Any] = "log"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        raise NotImplementedError


class Case(NamedTuple):
    objective: Objective
    name: str
    direction: str
    unit: str
    scale: str
    task: str


CASES = [
    Case(Score("accuracy"), "accuracy", "maximize", "", "linear", "binary"),
    Case(Score("balanced_accuracy"), "balanced_accuracy", "maximize", "", "linear", "multiclass"),
    Case(Score("roc_auc"), "roc_auc", "maximize", "", "linear", "binary"),
    Case(Score("neg_log_loss"), "log_loss", "minimize", "", "linear", "multiclass"),
    Case(Score("r2"), "r2", "maximize", "", "linear", "regression"),
    Case(
        Score("neg_mean_squared_error"),
        "mean_squared_error",
        "minimize",
        "",
        "linear",
        "regression",
    ),
    Case(Score("accuracy", label="hits"), "hits", "maximize", "", "linear", "binary"),
    Case(ParameterCount(), "parameters", "minimize", "", "log", "multiclass"),
    Case(InferenceTime(), "inference_time", "minimize", "us", "log", "binary"),
    Case(InferenceTime(batch_size=7), "inference_time_7", "minimize", "us", "log", "regression"),
    Case(InferenceTime(percentile=95), "inference_time_p95", "minimize", "us", "log", "binary"),
    Case(InferenceTime(unit="ms"), "inference_time", "minimize", "ms", "log", "multiclass"),
    Case(InferenceTime(runtime="onnx"), "inference_time_onnx", "minimize", "us", "log", "binary"),
    Case(Operations(), "operations", "minimize", "", "log", "multiclass"),
    Case(ModelSize(), "size", "minimize", "bytes", "log", "regression"),
    Case(ModelSize(format="skops"), "size_skops", "minimize", "bytes", "log", "binary"),
    Case(ModelSize(format="onnx"), "size_onnx", "minimize", "bytes", "log", "regression"),
]


@pytest.mark.parametrize("objective", [*(case.objective for case in CASES), Throughput()])
def test_the_losses_of_folds_have_the_loss_of_the_mean_as_theirs(objective: Objective) -> None:
    values = np.array([[1.0, 10.0, 1000.0], [99.0, 100.0, 101.0]])
    losses = objective.fold_losses(values)
    np.testing.assert_allclose(losses.mean(axis=1), objective.loss(values.mean(axis=1)))
    np.testing.assert_allclose(losses[1], objective.loss(values[1]), atol=1e-4)
    assert ((np.diff(losses) > 0) == (objective.direction == "minimize")).all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.objective))
class TestObjective:
    def test_says_what_it_is(self, case: Case) -> None:
        assert case.objective.name == case.name
        assert case.objective.direction == case.direction
        assert case.objective.unit == case.unit
        assert case.objective.scale == case.scale
        assert (case.objective.at_most, case.objective.at_least) == (None, None)

    def test_measures_a_fitted_model(self, case: Case, request: pytest.FixtureRequest) -> None:
        X, y = request.getfixturevalue(case.task)
        model = (Ridge() if case.task == "regression" else LogisticRegression()).fit(X[:60], y[:60])
        value = case.objective.measure(model, X[60:], y[60:])
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert value > 0

    def test_comes_back_from_its_recipe_and_its_pickle(self, case: Case) -> None:
        limited = replace(case.objective, at_least=0.25, at_most=2.5)
        for one in (case.objective, limited):
            assert recipe.restore(json.loads(json.dumps(recipe.describe(one)))) == one
            assert pickle.loads(pickle.dumps(one)) == one
        assert limited != case.objective

    def test_cannot_be_changed(self, case: Case) -> None:
        with pytest.raises(FrozenInstanceError, match="at_most"):
            case.objective.at_most = 1.0  # type: ignore[misc]

    def test_tells_no_violation_without_a_limit(self, case: Case) -> None:
        assert case.objective.violations(3.0) == {}

    def test_tells_how_far_a_value_is_beyond_its_limits(self, case: Case) -> None:
        limited = replace(case.objective, at_least=10, at_most=1000)
        low, high = f"{case.objective.name} >= 10", f"{case.objective.name} <= 1000"
        assert set(limited.violations(50.0)) == {low, high}
        assert all(excess < 0 for excess in limited.violations(50.0).values())
        assert limited.violations(1000.0)[high] == 0
        assert limited.violations(10.0)[low] == 0
        if case.scale == "log":
            assert limited.violations(100_000.0)[high] == pytest.approx(2)
            assert limited.violations(0.1)[low] == pytest.approx(2)
        else:
            assert limited.violations(1002.5)[high] == pytest.approx(2.5)
            assert limited.violations(7.5)[low] == pytest.approx(2.5)

    def test_puts_values_on_its_scale_with_the_best_smallest(self, case: Case) -> None:
        values = np.array([1.0, 10.0, 1000.0])
        losses = case.objective.loss(values)
        assert losses.dtype == np.float64
        expected = np.array([0.0, 1.0, 3.0]) if case.scale == "log" else values
        np.testing.assert_allclose(losses, -expected if case.direction == "maximize" else expected)

    @pytest.mark.parametrize("side", ["at_most", "at_least"])
    @pytest.mark.parametrize("limit", ["5", True, [1.0]])
    def test_refuses_a_limit_that_is_no_number(
        self,
        case: Case,
        side: str,
        limit: Any,
    ) -> None:
        with pytest.raises(
            ArgumentError, match=f"{case.objective.name}: {side} must be a number, got"
        ):
            replace(case.objective, **{side: limit})

    @pytest.mark.parametrize("side", ["at_most", "at_least"])
    @pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf])
    def test_refuses_a_limit_that_is_not_finite(
        self,
        case: Case,
        side: str,
        limit: float,
    ) -> None:
        kind = "positive" if case.scale == "log" else "finite"
        with pytest.raises(ArgumentError, match=f"{side} must be a {kind} number, got"):
            replace(case.objective, **{side: limit})

    @pytest.mark.parametrize("limit", [0, -1.5])
    def test_takes_a_limit_below_zero_only_on_a_linear_scale(
        self,
        case: Case,
        limit: float,
    ) -> None:
        if case.scale == "log":
            with pytest.raises(ArgumentError, match=f"must be a positive number, got {limit}"):
                replace(case.objective, at_most=limit)
        else:
            assert replace(case.objective, at_most=limit).at_most == limit

    def test_refuses_limits_that_contradict_each_other(self, case: Case) -> None:
        with pytest.raises(ArgumentError, match="at_least=3 is above at_most=2: no structure can"):
            replace(case.objective, at_least=3, at_most=2)
        assert replace(case.objective, at_least=2, at_most=2).violations(2.0) is not None

    def test_takes_numbers_of_numpy_as_limits(self, case: Case) -> None:
        limited = replace(case.objective, at_most=np.float32(8), at_least=np.int64(2))
        assert all(excess < 0 for excess in limited.violations(4.0).values())
        json.dumps(recipe.describe(limited))


def last_class(model: Any, X: Any, y: Any) -> float:
    return float(np.mean(model.predict(X) == max(y)))


class Bare:
    def __call__(self, model: Any, X: Any, y: Any) -> float:
        return 0.5


class TestScore:
    def test_equals_the_metric_of_scikit_learn(self, binary: Any, regression: Any) -> None:
        X, y = binary
        model = LogisticRegression().fit(X[:60], y[:60])
        expected = accuracy_score(y[60:], model.predict(X[60:]))
        assert Score("accuracy").measure(model, X[60:], y[60:]) == pytest.approx(expected)

        X, y = regression
        model = Ridge().fit(X[:60], y[:60])
        expected = mean_squared_error(y[60:], model.predict(X[60:]))
        loss = Score("neg_mean_squared_error")
        assert loss.measure(model, X[60:], y[60:]) == pytest.approx(expected)

    def test_limits_are_in_the_unit_that_is_shown(self) -> None:
        loss = Score("neg_log_loss", at_most=0.5)
        assert loss.violations(0.75) == {"log_loss <= 0.5": pytest.approx(0.25)}

    def test_takes_a_callable(self, binary: Any) -> None:
        X, y = binary
        model = LogisticRegression().fit(X, y)
        score = Score(last_class)
        assert (score.name, score.direction) == ("last_class", "maximize")
        assert score.measure(model, X, y) == pytest.approx(model.predict(X).mean())

    def test_names_a_callable_object_by_its_class_or_label(self) -> None:
        assert Score(Bare()).name == "Bare"
        assert Score(Bare(), label="half").name == "half"

    def test_refuses_an_unknown_scorer_and_names_the_nearest(self) -> None:
        with pytest.raises(
            UnknownNameError, match=r"unknown scorer 'acuracy'; known, nearest first: accuracy,"
        ):
            Score("acuracy")

    @pytest.mark.parametrize("scoring", [3, None, ["accuracy"]])
    def test_refuses_what_cannot_score(self, scoring: Any) -> None:
        with pytest.raises(ArgumentError, match=r"scoring must be a scorer's name or a callable"):
            Score(scoring)


class TestParameterCount:
    def test_counts(self, binary: Any) -> None:
        X, y = binary
        assert ParameterCount().measure(LogisticRegression().fit(X, y), X, y) == 5

    def test_refuses_by_name_what_cannot_be_counted_exactly(self, binary: Any) -> None:
        X, y = binary
        density = KernelDensity().fit(X)
        with pytest.raises(ResourceError, match=r"KernelDensity cannot be.*exact=False"):
            ParameterCount().measure(density, X, y)

    def test_adds_up_the_fitted_arrays_where_asked_to(self, binary: Any) -> None:
        X, y = binary

        class Means(ClassifierMixin, BaseEstimator):
            def fit(self, X: Any, y: Any) -> Any:
                self.means_ = np.array([X[y == c].mean(axis=0) for c in (0, 1)])
                return self

        assert ParameterCount(exact=False).measure(Means().fit(X, y), X, y) == 2 * 4


class TestOperations:
    def test_are_the_multiplications_of_a_linear_model(self, binary: Any) -> None:
        X, y = binary
        assert Operations().measure(LogisticRegression().fit(X, y), X, y) == 4

    def test_of_a_constant_count_as_one(self, binary: Any) -> None:
        X, y = binary
        leaf = DecisionTreeClassifier(min_samples_leaf=len(y)).fit(X, y)
        assert Operations().measure(leaf, X, y) == 1


class TestModelSize:
    def test_grows_with_what_the_model_stores(self, binary: Any) -> None:
        X, y = binary
        small, large = (KNeighborsClassifier().fit(X[:n], y[:n]) for n in (20, 80))
        more = ModelSize().measure(large, X, y) - ModelSize().measure(small, X, y)
        assert more >= 60 * X.shape[1] * X.itemsize


class TestInferenceTime:
    @pytest.mark.parametrize("batch_size", [0, -1, 2.5, "8", None])
    def test_refuses_a_batch_that_holds_no_rows(self, batch_size: Any) -> None:
        with pytest.raises(ArgumentError, match=r"batch_size must be 1 or more, got"):
            InferenceTime(batch_size=batch_size)

    def test_hands_batches_of_that_size_to_predict(self, binary: Any) -> None:
        seen = set()

        class Model:
            def predict(self, X: Any) -> Any:
                seen.add(X.shape)
                return np.zeros(X.shape[0])

        InferenceTime(batch_size=7).measure(Model(), *binary)
        assert seen == {(7, 4)}

    @pytest.mark.parametrize(
        ("objective", "name"),
        [
            (InferenceTime(), "inference_time"),
            (InferenceTime(batch_size=1000), "inference_time_1000"),
            (InferenceTime(percentile=95), "inference_time_p95"),
            (InferenceTime(unit="ms", runtime="onnx"), "inference_time_onnx"),
            (InferenceTime(batch_size=8, percentile=99.9), "inference_time_8_p99.9"),
        ],
    )
    def test_is_named_by_what_is_not_the_usual(self, objective: Objective, name: str) -> None:
        assert objective.name == name

    @pytest.mark.parametrize(("unit", "us"), [("us", 1.0), ("ms", 1e3), ("s", 1e6)])
    def test_tells_the_percentile_in_its_unit(self, unit: Any, us: float) -> None:
        ratios = np.linspace(1.0, 2.0, 201)
        timing = InferenceTiming(ratios, 1e6, 1, (0.0, 0.0), 0.0, {})
        objective = InferenceTime(percentile=95, unit=unit)
        assert objective.unit == unit
        assert objective.value_of(timing) == pytest.approx(1.95e3 / us)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"percentile": 20}, "percentile must be from 50 to below 100, got 20"),
            ({"unit": "min"}, "unit must be 'us', 'ms' or 's', got 'min'"),
            ({"runtime": "java"}, "runtime must be 'python' or 'onnx', got 'java'"),
            ({"at_most": -1}, "inference_time: at_most must be a positive number, got -1"),
        ],
    )
    def test_refuses(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            InferenceTime(**arguments)


class TestByName:
    @pytest.mark.parametrize(
        ("name", "objective"),
        [
            ("parameters", ParameterCount()),
            ("inference_time", InferenceTime()),
            ("size", ModelSize()),
            ("operations", Operations()),
            ("r2", Score("r2")),
            ("neg_log_loss", Score("neg_log_loss")),
        ],
    )
    def test_makes_each(self, name: str, objective: Objective) -> None:
        assert objectives.by_name(name) == objective

    def test_refuses_an_unknown_name_with_the_nearest_first(self) -> None:
        with pytest.raises(
            UnknownNameError, match=r"unknown objective 'paramters'; .* first: parameters,"
        ):
            objectives.by_name("paramters")


class TestCheckObjectives:
    def test_hands_them_back_as_a_tuple(self) -> None:
        assert check_objectives([Score("r2"), ModelSize()]) == (Score("r2"), ModelSize())

    def test_refuses_none(self) -> None:
        with pytest.raises(ArgumentError, match="at least one objective, got none"):
            check_objectives([])

    def test_refuses_an_objective_by_itself(self) -> None:
        for alone in (Score("r2"), None):
            with pytest.raises(ArgumentError, match="must be a list of objectives, got"):
                check_objectives(alone)  # type: ignore[arg-type]

    def test_takes_whatever_can_be_gone_through(self) -> None:
        expected = (Score("r2"), Score("accuracy"))
        assert check_objectives(map(Score, ["r2", "accuracy"])) == expected

    def test_refuses_what_is_no_objective(self) -> None:
        with pytest.raises(ArgumentError, match=r"made by optistruct\.objectives.*got 'accuracy'"):
            check_objectives([Score("r2"), "accuracy"])  # type: ignore[list-item]

    def test_refuses_two_of_one_name(self) -> None:
        with pytest.raises(ArgumentError, match="different names, got 'size' twice"):
            check_objectives([ModelSize(), Score("r2"), ModelSize(at_most=5)])


def test_inference_time_takes_the_reference_of_the_study() -> None:
    """All figures of a study are ratios times one stored time, whatever process measured them."""
    objective = InferenceTime(batch_size=7, at_most=5)
    measured = objective.calibrated({"reference_ns": 250_000.0})
    assert measured == InferenceTime(batch_size=7, at_most=5, reference_ns=250_000.0)
    assert ParameterCount().calibrated({}) == ParameterCount()
