"""Each count is proved by rebuilding `transform` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy import sparse
from scipy.fft import fft, ifft
from sklearn.datasets import load_iris
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import NotFittedError
from sklearn.kernel_approximation import (
    AdditiveChi2Sampler,
    Nystroem,
    PolynomialCountSketch,
    RBFSampler,
    SkewedChi2Sampler,
)
from sklearn.metrics.pairwise import rbf_kernel

from optistruct.exceptions import ResourceError
from optistruct.resources import count_operations, count_parameters, stored_arrays
from tests.resources.families.conftest import arrays

X = load_iris().data
ROWS, NEW = X[::5], X[1::7]


def unwrapped(model):
    return {name: getattr(part, "array", part) for name, part in stored_arrays(model).items()}


def project(kernel, stored):
    """Centre a kernel and project it on its vectors, as kernel PCA does."""
    [centerer] = stored["centerer"].models
    means = unwrapped(centerer)
    centred = kernel - means["rows"] - kernel.mean(axis=1, keepdims=True) + means["all"]
    return centred @ (stored["eigenvectors"] / np.sqrt(stored["eigenvalues"]))


def test_kernel_pca():
    model = KernelPCA(2, kernel="rbf", gamma=0.5).fit(ROWS)
    stored = unwrapped(model)
    expected = project(rbf_kernel(NEW, stored["rows"], gamma=0.5), stored)
    np.testing.assert_allclose(model.transform(NEW), expected)
    assert count_parameters(model).total == 30 * 4 + 30 * 2 + 2 + (30 + 1)
    assert count_operations(model) == 30 * 4 + 30 * 2


def test_kernel_pca_of_a_precomputed_kernel_stores_no_rows():
    model = KernelPCA(2, kernel="precomputed").fit(rbf_kernel(ROWS))
    kernel = rbf_kernel(NEW, ROWS)
    np.testing.assert_allclose(model.transform(kernel), project(kernel, unwrapped(model)))
    assert count_parameters(model).total == 30 * 2 + 2 + (30 + 1)
    assert count_operations(model) == 30 * 2


def test_nystroem():
    model = Nystroem(gamma=0.5, n_components=7, random_state=0).fit(X)
    stored = arrays(model)
    expected = rbf_kernel(NEW, stored["rows"], gamma=0.5) @ stored["normalization"].T
    np.testing.assert_allclose(model.transform(NEW), expected)
    assert count_parameters(model).total == 7 * 4 + 7 * 7
    assert count_operations(model) == 7 * 4 + 7 * 7


def test_nystroem_of_a_sparse_table_counts_where_its_values_are():
    model = Nystroem(gamma=0.5, n_components=7, random_state=0).fit(sparse.csr_array(X))
    stored = arrays(model)
    rows = sparse.csr_array(
        (stored["rows"], stored["rows_indices"], stored["rows_indptr"]), shape=(7, 4)
    )
    expected = rbf_kernel(NEW, rows, gamma=0.5) @ stored["normalization"].T
    np.testing.assert_allclose(model.transform(NEW), expected)
    assert count_parameters(model).total == 2 * 7 * 4 + (7 + 1) + 7 * 7


def test_nystroem_of_a_precomputed_kernel_stores_no_rows():
    kernel = rbf_kernel(ROWS, gamma=0.5)
    model = Nystroem(kernel="precomputed", n_components=30, random_state=0).fit(kernel)
    np.testing.assert_allclose(model.transform(kernel), kernel @ arrays(model)["normalization"].T)
    assert count_parameters(model).total == count_operations(model) == 30 * 30


@pytest.mark.parametrize(
    ("model", "features"),
    [
        (RBFSampler(gamma=0.5, n_components=6, random_state=0), lambda X: X),
        (
            SkewedChi2Sampler(skewedness=0.5, n_components=6, random_state=0),
            lambda X: np.log(X + 0.5),
        ),
    ],
)
def test_random_features(model, features):
    model.fit(X)
    stored = arrays(model)
    waves = np.cos(features(NEW) @ stored["weights"] + stored["offset"])
    np.testing.assert_allclose(model.transform(NEW), waves * np.sqrt(2 / 6))
    assert count_parameters(model).total == 4 * 6 + 6
    assert count_operations(model) == 4 * 6 + 6


def test_additive_chi_squared_sampler_stores_nothing():
    model = AdditiveChi2Sampler().fit(X)
    np.testing.assert_array_equal(model.transform(NEW), AdditiveChi2Sampler().fit_transform(NEW))
    assert count_parameters(model).total == count_operations(model) == 0


def test_count_sketch():
    model = PolynomialCountSketch(degree=2, n_components=8, coef0=1, random_state=0).fit(X)
    stored = arrays(model)
    widened = np.hstack([NEW, np.ones((len(NEW), 1))])
    sketches = np.zeros((2, len(NEW), 8))
    for degree, (places, signs) in enumerate(
        zip(stored["index_hash"], stored["bit_hash"], strict=True)
    ):
        for column, (place, sign) in enumerate(zip(places, signs, strict=True)):
            sketches[degree, :, place] += sign * widened[:, column]
    expected = ifft(fft(sketches, axis=2).prod(axis=0)).real
    np.testing.assert_allclose(model.transform(NEW), expected)
    assert count_parameters(model).total == 2 * 2 * (4 + 1)
    with pytest.raises(ResourceError, match="PolynomialCountSketch"):
        count_operations(model)


def test_unfitted_ones_are_refused():
    with pytest.raises(NotFittedError, match="Nystroem"):
        count_parameters(Nystroem())
