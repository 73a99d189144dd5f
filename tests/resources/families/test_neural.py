"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.neural_network import MLPClassifier, MLPRegressor

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def forward(stored, X, hidden=np.tanh):
    layers = len(stored) // 2
    for i in range(layers):
        X = X @ stored[f"weights_{i}"] + stored[f"biases_{i}"]
        X = hidden(X) if i < layers - 1 else X
    return X


@pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (3, 3)])
def test_classifier(classes, outputs):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < classes], np.array(["a", "b", "c"])[y[y < classes]]
    model = MLPClassifier((5, 3), activation="tanh", max_iter=30, random_state=0).fit(X, y)
    made = forward(arrays(model), X)
    chosen = (made > 0).astype(int).ravel() if classes == 2 else made.argmax(axis=1)
    np.testing.assert_array_equal(model.classes_[chosen], model.predict(X))
    weights = 4 * 5 + 5 * 3 + 3 * outputs
    assert count_parameters(model).total == weights + 5 + 3 + outputs
    assert count_operations(model) == weights


@pytest.mark.parametrize(("hidden", "weights", "biases"), [((6,), 66, 7), ((), 10, 1)])
def test_regressor(hidden, weights, biases):
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(hidden_layer_sizes=hidden, max_iter=30, random_state=0).fit(X, y)
    made = forward(arrays(model), X, hidden=lambda X: np.maximum(X, 0))
    np.testing.assert_allclose(made.ravel(), model.predict(X))
    assert count_parameters(model).total == weights + biases
    assert count_operations(model) == weights


def test_a_weight_of_zero_has_no_effect():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5, random_state=0).fit(X, y)
    model.coefs_[0][2] = 0
    model.intercepts_[1][:] = 0
    assert count_parameters(model).effective == 60 + 6 + 6 + 1 - 6 - 1
