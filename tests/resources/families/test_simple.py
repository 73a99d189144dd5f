"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("strategy", ["mean", "median", "quantile"])
def test_a_regression_to_a_constant(strategy, targets):
    X, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y, -y])[:, :targets]
    quantile = 0.2 if strategy == "quantile" else None
    model = DummyRegressor(strategy=strategy, quantile=quantile).fit(X, y)
    made = np.repeat(arrays(model)["constant"], len(X), axis=0)
    np.testing.assert_array_equal(made, model.predict(X).reshape(len(X), targets))
    assert count_parameters(model).total == targets
    assert count_operations(model) == 0


def test_a_constant_handed_in_is_a_hyperparameter():
    X, y = load_iris(return_X_y=True)
    assert count_parameters(DummyRegressor(strategy="constant", constant=3.0).fit(X, y)).total == 0
    assert count_parameters(DummyClassifier(strategy="constant", constant=2).fit(X, y)).total == 0
    assert count_parameters(DummyClassifier(strategy="uniform").fit(X, y)).total == 0


@pytest.mark.parametrize("strategy", ["prior", "most_frequent"])
def test_the_most_frequent_class(strategy):
    X, y = load_iris(return_X_y=True)
    X, y = X[30:120], np.array(["a", "b", "c"])[y[30:120]]
    model = DummyClassifier(strategy=strategy).fit(X, y)
    made = model.classes_[np.repeat(arrays(model)["most_frequent"], len(X))]
    np.testing.assert_array_equal(made, model.predict(X))
    assert set(made) == {"b"}
    assert count_parameters(model).total == 1
    assert count_operations(model) == 0


def test_the_most_frequent_class_of_several_outputs():
    X, y = load_iris(return_X_y=True)
    X, y = X[30:120], np.column_stack([y, y > 1, y == 1])[30:120]
    model = DummyClassifier().fit(X, y)
    most_frequent = zip(model.classes_, arrays(model)["most_frequent"], strict=True)
    made = [classes[index] for classes, index in most_frequent]
    np.testing.assert_array_equal(np.tile(made, (len(X), 1)), model.predict(X))
    assert made == [1, 0, 1]
    assert count_parameters(model).total == 3


def test_classes_drawn_by_frequency_need_every_probability():
    X, y = load_iris(return_X_y=True)
    X, y = X[30:120], y[30:120]
    model = DummyClassifier(strategy="stratified", random_state=0).fit(X, y)
    drawn = np.random.RandomState(0).multinomial(1, arrays(model)["priors"], size=len(X))
    np.testing.assert_array_equal(model.classes_[drawn.argmax(axis=1)], model.predict(X))
    assert count_parameters(model).total == 3
    assert count_operations(model) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_isotonic_regression_interpolates_between_its_thresholds(sign):
    X, y = load_diabetes(return_X_y=True)
    model = IsotonicRegression(increasing="auto", out_of_bounds="clip").fit(sign * X[:, 2], y)
    stored = arrays(model)
    new = np.linspace(-0.3, 0.3, 200)
    made = np.interp(new, stored["thresholds"], stored["values"])
    np.testing.assert_allclose(made, model.predict(new))
    assert count_parameters(model).total == 2 * len(stored["thresholds"]) > 4
    assert count_operations(model) == 1


def test_isotonic_regression_of_a_few_points():
    model = IsotonicRegression().fit([1, 2, 3, 4, 5, 6], [1, 2, 2, 2, 2, 5])
    assert count_parameters(model).total == 2 * 4  # 3 and 4 lie between equal values
