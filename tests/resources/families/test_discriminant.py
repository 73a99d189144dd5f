"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays


def iris(classes):
    X, y = load_iris(return_X_y=True)
    kept = y >= 3 - classes
    return X[kept][7:], np.array(["a", "b", "c"])[y[kept]][7:]


@pytest.mark.parametrize("solver", ["svd", "lsqr", "eigen"])
@pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (3, 3)])
def test_linear(solver, classes, outputs):
    X, y = iris(classes)
    model = LinearDiscriminantAnalysis(solver=solver).fit(X, y)
    stored = arrays(model)
    made = X @ stored["coef"].T + stored["intercept"]
    chosen = (made > 0).astype(int).ravel() if classes == 2 else made.argmax(axis=1)
    np.testing.assert_array_equal(model.classes_[chosen], model.predict(X))
    assert count_parameters(model).total == outputs * (4 + 1)
    assert count_operations(model) == outputs * 4


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("settings", [{}, {"reg_param": 0.1, "store_covariance": True}])
def test_quadratic(classes, settings):
    X, y = iris(classes)
    model = QuadraticDiscriminantAnalysis(**settings).fit(X, y)
    stored = arrays(model)
    rotations = np.split(stored["rotations"], classes, axis=1)
    scalings = np.split(stored["scalings"], classes)
    made = [
        np.log(prior) - 0.5 * (np.log(scaling) + ((X - mean) @ rotation) ** 2 / scaling).sum(axis=1)
        for mean, rotation, scaling, prior in zip(
            stored["means"], rotations, scalings, stored["priors"], strict=True
        )
    ]
    np.testing.assert_array_equal(model.classes_[np.argmax(made, axis=0)], model.predict(X))
    np.testing.assert_allclose(np.transpose(made), model._decision_function(X))
    assert count_parameters(model).total == classes * (4 + 4 * 4 + 4 + 1)
    assert count_operations(model) == classes * (4 * 4 + 4)
