"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC, SVR, NuSVC, NuSVR
from sklearn.utils import all_estimators

from optistruct.resources import count_operations, count_parameters
from optistruct.resources.parameters import has_definition
from tests.resources.families.conftest import arrays


def kernel(X, rows):
    return rbf_kernel(X, rows, gamma=0.3)


def iris(classes=3):
    X, y = load_iris(return_X_y=True)
    kept = y >= 3 - classes
    return X[kept], np.array(["a", "b", "c"])[y[kept]]


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:150] / 16, y[:150]


def pair_scores(model, values, stored):
    """Sum the kernels of each pair of classes; a class's vectors weigh once against each other."""
    dual = np.reshape(stored["dual_coef"], (-1, values.shape[1]))
    stops = np.cumsum(model.n_support_)
    of_class = [
        slice(stop - size, stop) for stop, size in zip(stops, model.n_support_, strict=True)
    ]
    pairs = list(combinations(range(len(of_class)), 2))
    sums = [
        values[:, of_class[i]] @ dual[j - 1, of_class[i]]
        + values[:, of_class[j]] @ dual[i, of_class[j]]
        for i, j in pairs
    ]
    return np.transpose(sums) + stored["intercept"]


def vote(model, scores):
    """Let each pair's score vote; of two classes, a positive score is the second's."""
    classes = len(model.classes_)
    if classes == 2:
        return model.classes_[(scores.ravel() > 0).astype(int)]
    votes = np.zeros((len(scores), classes))
    for (i, j), score in zip(combinations(range(classes), 2), scores.T, strict=True):
        votes[:, i] += score > 0
        votes[:, j] += score <= 0
    return model.classes_[votes.argmax(axis=1)]


def test_every_support_vector_machine_has_a_definition():
    listed = all_estimators(type_filter=["classifier", "regressor"])
    kinds = [kind for _, kind in listed if kind.__module__.startswith("sklearn.svm")]
    assert len(kinds) == 6
    assert all(has_definition(kind()) for kind in kinds)


@pytest.mark.parametrize("kind", [SVC, NuSVC])
@pytest.mark.parametrize(("classes", "pairs"), [(2, 1), (3, 3)])
def test_classifiers_vote_by_the_counted_arrays(kind, classes, pairs):
    X, y = iris(classes)
    model = kind(gamma=0.3).fit(X, y)
    stored = arrays(model)
    scores = pair_scores(model, kernel(X, stored["support_vectors"]), stored)
    np.testing.assert_array_equal(vote(model, scores), model.predict(X))
    vectors = len(model.support_)
    assert vectors < len(X)
    count = count_parameters(model)
    assert count.total == vectors * 4 + vectors * (classes - 1) + pairs
    assert count.effective == vectors * 4 + np.count_nonzero(stored["dual_coef"]) + pairs
    assert count_operations(model) == vectors * 4 + vectors * (classes - 1)


@pytest.mark.parametrize("kind", [SVR, NuSVR])
def test_regressions_predict_from_the_counted_arrays(kind):
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:100] * 20, y[:100]
    model = kind(gamma=0.3, C=100.0).fit(X, y)
    stored = arrays(model)
    made = kernel(X, stored["support_vectors"]) @ stored["dual_coef"].T + stored["intercept"]
    np.testing.assert_allclose(made.ravel(), model.predict(X))
    vectors = len(model.support_)
    assert count_parameters(model).total == vectors * 10 + vectors + 1
    assert count_operations(model) == vectors * 10 + vectors


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize(("classes", "pairs"), [(2, 1), (3, 3)])
def test_a_linear_kernel_stores_the_primal_coefficients(classes, pairs, as_sparse):
    X, y = iris(classes)
    model = SVC(kernel="linear").fit(sparse.csr_array(X) if as_sparse else X, y)
    stored = arrays(model)
    scores = X @ stored["coef"].T + stored["intercept"]
    np.testing.assert_array_equal(vote(model, scores), model.predict(X))
    assert count_parameters(model).total == pairs * (4 + 1)
    vectors = len(model.support_)
    assert count_operations(model) == vectors * 4 + vectors * (classes - 1)


def test_a_linear_kernel_of_a_regression_stores_the_primal_coefficients():
    X, y = load_diabetes(return_X_y=True)
    model = SVR(kernel="linear", C=100.0).fit(X, y)
    stored = arrays(model)
    made = X @ stored["coef"].ravel() + stored["intercept"]
    np.testing.assert_allclose(made, model.predict(X))
    assert count_parameters(model).total == 10 + 1


def test_sparse_support_vectors_count_as_the_arrays_that_they_are():
    X, y = digits()
    model = SVC(gamma=0.3).fit(sparse.csr_array(X), y)
    stored = arrays(model)
    names = ["support_vectors", "support_vectors_indices", "support_vectors_indptr"]
    vectors = len(model.support_)
    rows = sparse.csr_array(tuple(stored[name] for name in names), shape=(vectors, 64))
    scores = pair_scores(model, kernel(X, rows), stored)
    np.testing.assert_array_equal(vote(model, scores), model.predict(sparse.csr_array(X)))
    values = np.count_nonzero(X[model.support_])
    assert count_parameters(model).total == 2 * values + vectors + 1 + 9 * vectors + 45
    assert count_operations(model) == values + 9 * vectors


def test_a_kernel_handed_in_needs_the_indices_of_the_support_vectors():
    X, y = iris()
    values = kernel(X, X)
    model = SVC(kernel="precomputed").fit(values, y)
    stored = arrays(model)
    scores = pair_scores(model, values[:, stored["support"]], stored)
    np.testing.assert_array_equal(vote(model, scores), model.predict(values))
    vectors = len(model.support_)
    assert count_parameters(model).total == vectors + 2 * vectors + 3
    assert count_operations(model) == 2 * vectors


@pytest.mark.parametrize("as_table", [False, True])
def test_a_kernel_of_ones_own_needs_the_support_vectors_of_all_training_rows(as_table):
    X, y = iris()
    model = SVC(kernel=kernel).fit(pd.DataFrame(X) if as_table else X, y)
    stored = arrays(model)
    scores = pair_scores(model, kernel(X, stored["support_vectors"]), stored)
    np.testing.assert_array_equal(vote(model, scores), model.predict(X))
    vectors = len(model.support_)
    assert count_parameters(model).total == vectors * 4 + 2 * vectors + 3
    assert count_operations(model) == vectors * 4 + 2 * vectors


@pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:Attribute `prob:FutureWarning")
@pytest.mark.parametrize(("classes", "pairs"), [(2, 1), (3, 3)])
def test_probabilities_add_the_two_numbers_of_platt(classes, pairs):
    X, y = iris(classes)
    without = SVC(gamma=0.3).fit(X, y)
    model = SVC(gamma=0.3, probability=True, random_state=0).fit(X, y)
    assert count_parameters(model).total == count_parameters(without).total + 2 * pairs
    assert count_operations(model) == count_operations(without)
    if classes == 2:
        stored = arrays(model)
        scores = pair_scores(model, kernel(X, stored["support_vectors"]), stored)
        made = 1 / (1 + np.exp(scores * stored["platt_a"] - stored["platt_b"]))
        proba = model.predict_proba(X)[:, 1]  # which libsvm makes by iteration, to 0.005
        np.testing.assert_allclose(made.ravel(), proba, atol=0.005)


@pytest.mark.parametrize("targets", [1, 2])
def test_kernel_ridge_predicts_from_the_counted_arrays(targets):
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:100], np.column_stack([y, -y])[:100, :targets]
    model = KernelRidge(kernel="rbf", gamma=0.3).fit(X, y)
    stored = arrays(model)
    made = kernel(X, stored["rows"]) @ stored["dual_coef"]
    np.testing.assert_allclose(made, model.predict(X))
    assert count_parameters(model).total == 100 * 10 + 100 * targets
    assert count_operations(model) == 100 * 10 + 100 * targets


@pytest.mark.parametrize("as_sparse", [False, True])
def test_kernel_ridge_of_a_linear_kernel_stores_the_primal_coefficients(as_sparse):
    X, y = load_diabetes(return_X_y=True)
    model = KernelRidge().fit(sparse.csr_array(X) if as_sparse else X, y)
    np.testing.assert_allclose(X @ arrays(model)["coef"], model.predict(X), rtol=1e-6)
    assert count_parameters(model).total == 10
    assert count_operations(model) == 442 * 10 + 442


def test_kernel_ridge_of_a_kernel_handed_in_stores_no_rows():
    X, y = load_diabetes(return_X_y=True)
    values = kernel(X, X)[:, :100]
    model = KernelRidge(kernel="precomputed").fit(values[:100], y[:100])
    np.testing.assert_allclose(values @ arrays(model)["dual_coef"], model.predict(values))
    assert count_parameters(model).total == 100
    assert count_operations(model) == 100
