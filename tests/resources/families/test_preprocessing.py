"""Each count is proved by rebuilding `transform` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import BSpline
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KernelCenterer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from optistruct.resources import count_operations, count_parameters, stored_arrays
from tests.resources.families.conftest import arrays

X = load_iris().data


@pytest.mark.parametrize("centres", [True, False])
@pytest.mark.parametrize("scales", [True, False])
@pytest.mark.parametrize(
    ("kind", "settings", "centre"),
    [
        (StandardScaler, ("with_mean", "with_std"), "mean"),
        (RobustScaler, ("with_centering", "with_scaling"), "center"),
    ],
)
def test_scaler(kind, settings, centre, centres, scales):
    model = kind(**dict(zip(settings, (centres, scales), strict=True))).fit(X)
    stored = arrays(model)
    expected = (X - stored.get(centre, 0)) / stored.get("scale", 1)
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 4 * (centres + scales)
    assert count_operations(model) == 4 * (centres or scales)


def test_a_mean_of_zero_is_not_effective():
    centred = np.column_stack([[-1.0, 1.0], [2.0, 4.0]])
    count = count_parameters(StandardScaler().fit(centred))
    assert (count.total, count.effective) == (4, 3)


def test_min_max_scaler():
    model = MinMaxScaler((-1, 1)).fit(X)
    stored = arrays(model)
    np.testing.assert_allclose(model.transform(X), X * stored["scale"] + stored["min"])
    assert count_parameters(model).total == 2 * 4
    assert count_operations(model) == 4


def test_max_abs_scaler():
    model = MaxAbsScaler().fit(X)
    np.testing.assert_allclose(model.transform(X), X / arrays(model)["scale"])
    assert count_parameters(model).total == 4
    assert count_operations(model) == 4


@pytest.mark.parametrize(("standardize", "total"), [(True, 3 * 4), (False, 4)])
def test_power_transformer(standardize, total):
    model = PowerTransformer(standardize=standardize).fit(X)
    stored = stored_arrays(model)
    exponents = zip(X.T, stored["lambdas"], strict=True)
    expected = np.column_stack([stats.yeojohnson(x, exponent) for x, exponent in exponents])
    for scaler in stored["scaler"].models:
        parts = arrays(scaler)
        expected = (expected - parts["mean"]) / parts["scale"]
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == total
    assert count_operations(model) == 4 * standardize


def test_quantile_transformer():
    model = QuantileTransformer(n_quantiles=11).fit(X)
    stored = arrays(model)
    quantiles, references = stored["quantiles"], stored["references"]
    expected = np.empty_like(X)
    for j, x in enumerate(X.T):
        from_below = np.interp(x, quantiles[:, j], references)
        from_above = np.interp(-x, -quantiles[::-1, j], -references[::-1])
        expected[:, j] = (from_below - from_above) / 2
        expected[x == quantiles[0, j], j] = 0
        expected[x == quantiles[-1, j], j] = 1
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 11 * 4 + 11
    assert count_operations(model) == 2 * 4


@pytest.mark.parametrize(("norm", "operations"), [("l2", 8), ("l1", 8), ("max", 4)])
def test_normalizer_stores_nothing(norm, operations):
    model = Normalizer(norm=norm).fit(X)
    order = {"l2": 2, "l1": 1, "max": np.inf}[norm]
    expected = X / np.linalg.norm(X, ord=order, axis=1, keepdims=True)
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 0
    assert count_operations(model) == operations


def test_the_width_of_an_unfitted_normalizer_is_not_known():
    with pytest.raises(NotFittedError, match="Normalizer instance is not fitted yet"):
        count_operations(Normalizer())


def test_kernel_centerer():
    kernel = X[:30] @ X[:30].T
    model = KernelCenterer().fit(kernel)
    stored = arrays(model)
    new = X[30:40] @ X[:30].T
    expected = new - stored["rows"] - new.mean(axis=1, keepdims=True) + stored["all"]
    np.testing.assert_allclose(model.transform(new.copy()), expected)
    assert count_parameters(model).total == 30 + 1
    assert count_operations(model) == 60


@pytest.mark.parametrize("knots", ["uniform", "quantile"])
def test_spline_transformer(knots):
    model = SplineTransformer(n_knots=6, degree=3, knots=knots).fit(X)
    base = np.eye(6 + 3 - 1)
    knots_of_columns = zip(X.T, arrays(model)["knots"], strict=True)
    expected = np.hstack([BSpline(t, base, 3)(x) for x, t in knots_of_columns])
    np.testing.assert_allclose(model.transform(X), expected, atol=1e-12)
    assert count_parameters(model).total == 4 * (6 + 2 * 3)
    assert count_operations(model) == 4 * (2 + 4 + 6)  # the levels of de Boor's triangle


def test_polynomial_features_store_nothing():
    model = PolynomialFeatures(2).fit(X)
    products = np.column_stack([X[:, i] * X[:, j] for i in range(4) for j in range(i, 4)])
    expected = np.hstack([np.ones((150, 1)), X, products])
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 0
    assert count_operations(model) == products.shape[1] == 10


def test_polynomial_features_of_interactions():
    model = PolynomialFeatures((2, 3), interaction_only=True, include_bias=False).fit(X)
    assert count_operations(model) == 6 + 4


def test_binarizer_stores_nothing():
    model = Binarizer(threshold=2.0).fit(X)
    np.testing.assert_array_equal(model.transform(X), X > 2.0)
    assert count_parameters(model).total == count_operations(model) == 0


def test_a_function_stores_nothing():
    model = FunctionTransformer(np.log1p).fit(X)
    np.testing.assert_array_equal(model.transform(X), np.log1p(X))
    assert count_parameters(model).total == count_operations(model) == 0
