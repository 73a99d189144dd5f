"""Maps of kernels: their values against stored rows, or random features of them.

| models | stored | operations a row |
|---|---|---|
| kernel PCA | the training rows, the eigenvectors and -values, the kernel's means | rows, vectors |
| Nystroem | the sampled rows, the matrix that normalises | both |
| RBF and skewed chi-squared sampler | the random weights, an offset for each output | both |
| additive chi-squared sampler | nothing | none |
| polynomial count sketch | the hashes of each column, 2 a degree | no fixed number: refused |

Of a precomputed kernel, neither the rows are stored nor their values computed. A sparse matrix
counts as its three arrays, and its values are those that it stores.
"""

from typing import Any

from sklearn.decomposition import KernelPCA
from sklearn.kernel_approximation import (
    AdditiveChi2Sampler,
    Nystroem,
    PolynomialCountSketch,
    RBFSampler,
    SkewedChi2Sampler,
)

from optistruct.resources.families.matrices import matrix
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, Weights, stored_arrays

_Random = RBFSampler | SkewedChi2Sampler


@stored_arrays.register(KernelPCA)
def _kernel_pca(model: Any) -> Stored:
    rows = {} if model.kernel == "precomputed" else matrix("rows", model.X_fit_)
    return {
        **rows,
        "eigenvectors": Weights(model.eigenvectors_),
        "eigenvalues": model.eigenvalues_,
        "centerer": Members([model._centerer]),
    }


@operations_per_row.register(KernelPCA)
def _kernel_pca_operations(model: Any) -> float:
    rows = 0 if model.kernel == "precomputed" else model.X_fit_.size
    return float(rows + model.eigenvectors_.size)


@stored_arrays.register(Nystroem)
def _nystroem(model: Any) -> Stored:
    rows = {} if model.kernel == "precomputed" else matrix("rows", model.components_)
    return {**rows, "normalization": Weights(model.normalization_)}


@operations_per_row.register(Nystroem)
def _nystroem_operations(model: Any) -> float:
    rows = 0 if model.kernel == "precomputed" else model.components_.size
    return float(rows + model.normalization_.size)


@stored_arrays.register(_Random)
def _random(model: Any) -> Stored:
    return {
        "weights": Weights(model.random_weights_),
        "offset": Weights(model.random_offset_),
    }


@operations_per_row.register(_Random)
def _random_operations(model: Any) -> float:
    return float(model.random_weights_.size + model.random_offset_.size)


@stored_arrays.register(AdditiveChi2Sampler)
def _additive(model: Any) -> Stored:
    return {}


@operations_per_row.register(AdditiveChi2Sampler)
def _additive_operations(model: Any) -> float:
    return 0.0


@stored_arrays.register(PolynomialCountSketch)
def _sketch(model: Any) -> Stored:
    return {"index_hash": model.indexHash_, "bit_hash": model.bitHash_}
