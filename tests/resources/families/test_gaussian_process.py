"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

from itertools import combinations

import numpy as np
import pytest
from scipy.linalg import solve_triangular
from scipy.special import erf
from sklearn.datasets import load_diabetes, load_iris
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process._gpc import COEFS, LAMBDAS
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays


def rbf(X, rows, length):
    squares = ((X[:, None] / length - rows[None] / length) ** 2).sum(axis=-1)
    return np.exp(-squares / 2)


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:60] * 20, y[:60]


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("normalize", [False, True])
def test_regressions_predict_from_the_counted_arrays(targets, normalize):
    X, y = diabetes()
    y = np.column_stack([y, y**2])[:, :targets]
    kernel = RBF(3.0, (0.1, 100.0)) * ConstantKernel(2.0, "fixed")
    model = GaussianProcessRegressor(kernel, alpha=1.0, normalize_y=normalize).fit(X, y)
    stored = arrays(model)
    made = 2 * rbf(X, stored["rows"], np.exp(stored["kernel"])) @ stored["weights"]
    made = made * stored.get("target_deviation", 1.0) + stored.get("target_mean", 0.0)
    np.testing.assert_allclose(made.reshape(60, targets), model.predict(X).reshape(60, targets))
    count = count_parameters(model)
    assert count.total == 60 * 10 + 60 * targets + 1 + 2 * targets * normalize
    assert count_operations(model) == 60 * 10 + 60 * targets


def test_white_noise_is_not_read_and_does_not_count():
    X, y = diabetes()
    X = X[:, [2, 8]]
    kernel = WhiteKernel(1.0) + RBF([3.0, 3.0], (0.1, 1e4)) + WhiteKernel(0.01, "fixed")
    model = GaussianProcessRegressor(kernel, normalize_y=True).fit(X, y)
    stored = arrays(model)
    made = rbf(X + 0.1, stored["rows"], np.exp(stored["kernel"])) @ stored["weights"]
    made = made * stored["target_deviation"] + stored["target_mean"]
    np.testing.assert_allclose(made, model.predict(X + 0.1))
    assert len(model.kernel_.theta) == 1 + 2
    assert count_parameters(model).total == 60 * 2 + 60 + 2 + 2


@pytest.mark.parametrize("settings", [{"optimizer": None}, {}])
def test_a_kernel_that_was_not_learnt_does_not_count(settings):
    X, y = diabetes()
    bounds = (0.1, 10.0) if settings else "fixed"
    model = GaussianProcessRegressor(RBF(3.0, bounds), alpha=1.0, **settings).fit(X, y)
    stored = arrays(model)
    np.testing.assert_allclose(rbf(X, stored["rows"], 3.0) @ stored["weights"], model.predict(X))
    assert count_parameters(model).total == 60 * 10 + 60


def iris(classes):
    X, y = load_iris(return_X_y=True)
    kept = (y >= 3 - classes) & (np.arange(150) % 3 == 0)
    return X[kept], np.array(["a", "b", "c"])[y[kept]]


def latent(kernel, theta, X, rows, weights):
    return kernel.clone_with_theta(theta)(X, rows) @ weights


def probability(kernel, theta, X, rows, weights, curvature, factor):
    """Pass the latent mean, flattened by its variance, through the sigmoid.

    scikit-learn takes a sum of five error functions for the integral; so does this.
    """
    kernel = kernel.clone_with_theta(theta)
    lower = np.zeros((len(rows), len(rows)))
    lower[np.tril_indices(len(rows))] = factor
    values = kernel(rows, X)
    half = solve_triangular(lower, curvature[:, None] * values, lower=True)
    mean, variance = values.T @ weights, kernel.diag(X) - (half**2).sum(axis=0)
    alpha = 1 / (2 * variance)
    gamma = LAMBDAS * mean
    integrals = np.sqrt(np.pi / alpha) * erf(gamma * np.sqrt(alpha / (alpha + LAMBDAS**2)))
    integrals = integrals / (2 * np.sqrt(variance * 2 * np.pi))
    return (COEFS * integrals).sum(axis=0) + 0.5 * COEFS.sum()


def test_two_classes_are_told_by_the_latent_mean():
    X, y = iris(classes=2)
    model = GaussianProcessClassifier(1.0 * RBF(1.0)).fit(X, y)
    stored = arrays(model)
    assert "factor" not in stored
    made = latent(model.kernel, stored["kernel"], X, stored["rows"], stored["weights"])
    np.testing.assert_array_equal(model.classes_[(made > 0).astype(int)], model.predict(X))
    rows = len(X)
    assert count_parameters(model).total == rows * 4 + rows + 2
    assert count_operations(model) == rows * 4 + rows


def test_one_machine_a_class_shares_the_rows_and_compares_probabilities():
    X, y = iris(classes=3)
    model = GaussianProcessClassifier(1.0 * RBF(1.0)).fit(X, y)
    stored, n = arrays(model), len(X)
    names = ["kernel", "weights", "curvature", "factor"]
    machines = zip(*(np.split(stored[name], 3) for name in names), strict=True)
    made = [
        probability(model.kernel, theta, X, stored["rows"], weights, curvature, factor)
        for theta, weights, curvature, factor in machines
    ]
    np.testing.assert_array_equal(model.classes_[np.argmax(made, axis=0)], model.predict(X))
    np.testing.assert_allclose(np.transpose(made / np.sum(made, axis=0)), model.predict_proba(X))
    triangle = n * (n + 1) // 2
    assert count_parameters(model).total == n * 4 + 3 * (2 * n + triangle + 2)
    assert count_operations(model) == 3 * (n * 4 + n + 2 * n + triangle)


def test_one_machine_a_pair_has_rows_of_its_own():
    X, y = iris(classes=3)
    kernel = 1.0 * RBF(1.0)
    model = GaussianProcessClassifier(kernel, multi_class="one_vs_one").fit(X, y)
    stored = arrays(model)
    pairs = list(combinations(range(3), 2))
    sizes = [int(np.isin(y, model.classes_[list(pair)]).sum()) for pair in pairs]
    triangles = [size * (size + 1) // 2 for size in sizes]
    cuts = np.cumsum(sizes)[:-1]
    parts = [np.split(stored[name], cuts) for name in ("rows", "weights", "curvature")]
    factors = np.split(stored["factor"], np.cumsum(triangles)[:-1])
    machines = zip(np.split(stored["kernel"], 3), *parts, factors, strict=True)
    votes, trust = np.zeros((len(X), 3)), np.zeros((len(X), 3))
    for (i, j), (theta, *machine) in zip(pairs, machines, strict=True):
        is_second = latent(kernel, theta, X, *machine[:2]) > 0
        votes[np.arange(len(X)), np.where(is_second, j, i)] += 1
        certainty = probability(kernel, theta, X, *machine)
        trust[:, i] -= certainty
        trust[:, j] += certainty
    made = votes + trust / (3 * (np.abs(trust) + 1))
    np.testing.assert_array_equal(model.classes_[made.argmax(axis=1)], model.predict(X))
    pair_rows = sum(sizes)
    assert pair_rows == 2 * len(X)
    total = pair_rows * 4 + 2 * pair_rows + sum(triangles) + 3 * 2
    assert count_parameters(model).total == total
    assert count_operations(model) == pair_rows * 4 + 3 * pair_rows + sum(triangles)
