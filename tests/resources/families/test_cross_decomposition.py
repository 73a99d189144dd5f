"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.datasets import load_diabetes

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("kind", [PLSRegression, PLSCanonical, CCA])
def test_regressions_predict_from_the_counted_arrays(kind, scale):
    X, y = load_diabetes(return_X_y=True)
    targets = np.column_stack([y, np.sqrt(y), X[:, 0] * 50])
    model = kind(n_components=2, scale=scale, max_iter=2000).fit(X + 3, targets)
    stored = arrays(model)
    made = (X + 3 - stored["mean"]) @ stored["coef"].T + stored["intercept"]
    np.testing.assert_allclose(made, model.predict(X + 3))
    assert count_parameters(model).total == 10 + 3 * 10 + 3
    assert count_operations(model) == 3 * 10


def test_a_single_target():
    X, y = load_diabetes(return_X_y=True)
    model = PLSRegression(3).fit(X, y)
    stored = arrays(model)
    made = (X - stored["mean"]) @ stored["coef"].T + stored["intercept"]
    np.testing.assert_allclose(made.ravel(), model.predict(X))
    assert count_parameters(model).total == 10 + 10 + 1
