"""Each count is proved by rebuilding `transform` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy.special import expit, psi
from sklearn.cross_decomposition import PLSSVD
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import (
    NMF,
    PCA,
    DictionaryLearning,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    LatentDirichletAllocation,
    MiniBatchDictionaryLearning,
    MiniBatchNMF,
    MiniBatchSparsePCA,
    SparseCoder,
    SparsePCA,
    TruncatedSVD,
    non_negative_factorization,
    sparse_encode,
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from optistruct.exceptions import ResourceError
from optistruct.resources import count_operations, count_parameters
from optistruct.resources.families.members import arrays_to_transform
from tests.resources.families.conftest import arrays

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
DIGITS = load_digits().data[:80] / 16


def unwrapped(stored):
    parts = {name: getattr(part, "array", part) for name, part in stored.items()}
    return {name: part for name, part in parts.items() if part is not None}


@pytest.mark.parametrize("kind", [PCA, IncrementalPCA])
@pytest.mark.parametrize(("whiten", "more"), [(False, 0), (True, 3)])
def test_pca(kind, whiten, more):
    model = kind(3, whiten=whiten).fit(X)
    stored = arrays(model)
    expected = (X - stored["mean"]) @ stored["components"].T
    expected /= np.sqrt(stored.get("explained_variance", 1))
    np.testing.assert_allclose(model.transform(X), expected, atol=1e-12)
    assert count_parameters(model).total == 3 * 4 + 4 + more
    assert count_operations(model) == 3 * 4 + more


@pytest.mark.parametrize(
    "model", [TruncatedSVD(2), NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0)]
)
def test_components_alone(model):
    model.fit(X, Y)
    np.testing.assert_allclose(model.transform(X), X @ arrays(model)["components"].T)
    assert count_parameters(model).total == count_operations(model) == 2 * 4


def test_gaussian_random_projection():
    model = GaussianRandomProjection(5, random_state=0).fit(DIGITS)
    np.testing.assert_allclose(model.transform(DIGITS), DIGITS @ arrays(model)["components"].T)
    assert count_parameters(model).total == count_operations(model) == 5 * 64


def test_sparse_random_projection_counts_where_its_values_are():
    model = SparseRandomProjection(5, density=0.25, random_state=0).fit(DIGITS)
    stored = arrays(model)
    expected = np.zeros((80, 5))
    for i in range(5):
        mine = slice(*stored["components_indptr"][i : i + 2])
        columns = DIGITS[:, stored["components_indices"][mine]]
        expected[:, i] = columns @ stored["components"][mine]
    np.testing.assert_allclose(model.transform(DIGITS), expected, atol=1e-12)
    values = np.count_nonzero(model.components_.toarray())
    assert count_parameters(model).total == 2 * values + 5 + 1
    assert count_operations(model) == values


@pytest.mark.parametrize(("whiten", "total"), [("unit-variance", 3 * 4 + 4), (False, 4 * 4)])
def test_independent_components(whiten, total):
    components = 3 if whiten else None
    model = FastICA(components, whiten=whiten, random_state=0, max_iter=50).fit(X)
    stored = arrays(model)
    expected = (X - stored.get("mean", 0)) @ stored["components"].T
    np.testing.assert_allclose(model.transform(X), expected, atol=1e-12)
    assert count_parameters(model).total == total
    assert count_operations(model) == (components or 4) * 4


def test_factor_analysis():
    model = FactorAnalysis(2, random_state=0).fit(X)
    stored = arrays(model)
    weights = stored["components"] / stored["noise_variance"]
    inner = np.linalg.inv(np.eye(2) + weights @ stored["components"].T)
    expected = (X - stored["mean"]) @ weights.T @ inner
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 2 * 4 + 4 + 4
    assert count_operations(model) == 2 * 4 + 2 * 2


@pytest.mark.parametrize("kind", [SparsePCA, MiniBatchSparsePCA])
def test_sparse_pca(kind):
    model = kind(3, max_iter=5, alpha=5, ridge_alpha=0.1, random_state=0).fit(X)
    stored = arrays(model)
    components = stored["components"]
    gram = components @ components.T + 0.1 * np.eye(3)
    expected = np.linalg.solve(gram, components @ (X - stored["mean"]).T).T
    np.testing.assert_allclose(model.transform(X), expected)
    count = count_parameters(model)
    assert count.total == 3 * 4 + 4
    assert count.effective == np.count_nonzero(components) + 4 < count.total
    assert count_operations(model) == 3 * 4 + 3 * 3


def test_restricted_boltzmann_machine():
    model = BernoulliRBM(5, n_iter=2, random_state=0).fit(DIGITS)
    stored = arrays(model)
    expected = expit(DIGITS @ stored["components"].T + stored["intercept"])
    np.testing.assert_allclose(model.transform(DIGITS), expected)
    assert count_parameters(model).total == 5 * 64 + 5
    assert count_operations(model) == 5 * 64


def code_by_nmf(X, components):
    settings = {"H": components, "update_H": False, "n_components": 3}
    return non_negative_factorization(X, W=None, **settings)[0]


def code_by_mini_batches(X, components):
    model = MiniBatchNMF(3, max_iter=5, random_state=0).fit(np.ones((3, components.shape[1])))
    model.components_ = components
    return model.transform(X)


def code_by_lars(X, components):
    return sparse_encode(X, components, algorithm="lars", n_nonzero_coefs=2)


def code_of_topics(X, components):
    """Find each row's topics by the steps of variational inference."""
    topics = np.ones((len(X), 3))
    for row, counts in enumerate(X):
        for _ in range(100):
            before = topics[row].copy()
            weights = np.exp(psi(before) - psi(before.sum()))
            share = counts / (weights @ components + np.finfo(float).eps)
            topics[row] = 1 / 3 + weights * (components @ share)
            if np.abs(topics[row] - before).mean() < 1e-3:
                break
    return topics / topics.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        (NMF(3, random_state=0, max_iter=30), code_by_nmf),
        (MiniBatchNMF(3, random_state=0, max_iter=5), code_by_mini_batches),
        (
            DictionaryLearning(
                3, max_iter=3, transform_algorithm="lars", transform_n_nonzero_coefs=2
            ),
            code_by_lars,
        ),
        (
            MiniBatchDictionaryLearning(
                3, max_iter=3, transform_algorithm="lars", transform_n_nonzero_coefs=2
            ),
            code_by_lars,
        ),
        (
            SparseCoder(DIGITS[:3], transform_algorithm="lars", transform_n_nonzero_coefs=2),
            code_by_lars,
        ),
        (LatentDirichletAllocation(3, random_state=0, max_iter=2), code_of_topics),
    ],
)
def test_codes_store_their_components_and_take_as_long_as_they_take(model, code):
    model.fit(DIGITS)
    expected = code(DIGITS, arrays(model)["components"])
    np.testing.assert_allclose(model.transform(DIGITS), expected, rtol=1e-5, atol=1e-8)
    assert count_parameters(model).total == 3 * 64
    with pytest.raises(ResourceError, match=type(model).__name__):
        count_operations(model)


@pytest.mark.parametrize(("scale", "scaling"), [(True, 3), (False, 0)])
def test_singular_vectors_of_two_tables(scale, scaling):
    model = PLSSVD(1, scale=scale).fit(X[:, :3], X[:, 3])
    stored = arrays(model)
    expected = (X[:, :3] - stored["mean"]) / stored.get("scale", 1) @ stored["weights"]
    np.testing.assert_allclose(model.transform(X[:, :3]), expected)
    assert count_parameters(model).total == 3 + 3 + scaling
    assert count_operations(model) == 3 + scaling


@pytest.mark.parametrize(("solver", "mean"), [("svd", 4), ("eigen", 0)])
def test_discriminants_before_the_last_step(solver, mean):
    discriminants = LinearDiscriminantAnalysis(n_components=1, solver=solver)
    pipeline = make_pipeline(discriminants, LogisticRegression()).fit(X, Y)
    stored = unwrapped(arrays_to_transform(pipeline[0]))
    expected = (X - stored.get("mean", 0)) @ stored["scalings"]
    np.testing.assert_allclose(pipeline[0].transform(X), expected)
    assert count_parameters(pipeline).total == (4 + mean) + (3 + 3)
    assert count_operations(pipeline) == 4 + 3
