"""Projections on components, and codes of them.

| models | stored | operations a row |
|---|---|---|
| PCA, incremental PCA | components, mean; if it whitens, variances | the same but for the mean |
| truncated SVD, NCA | the components | the components |
| random projections | the matrix | its values |
| independent components | the components; the mean, if it whitens | the components |
| factor analysis | the components, the mean, the noise | the components, and k x k |
| sparse PCA | the components, the mean | the components, and k x k |
| restricted Boltzmann machine | the components, k offsets | the components |
| NMF, dictionaries, latent Dirichlet allocation | the components | no fixed number: refused |
| discriminant analysis that transforms | the projection; the mean, if by `svd` | the projection |
| PLSSVD | the weights, the mean; the deviations, if it scales | the weights, 1 a column scaled |

k is the number of components; whitening divides each by its deviation. To subtract the mean is to
start from another constant, so it is not an operation here. A sparse matrix counts as its three
arrays, and its values are those that it stores.
"""

from typing import Any

from sklearn.cross_decomposition import PLSSVD
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
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.neural_network import BernoulliRBM
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from optistruct.resources.families.matrices import matrix
from optistruct.resources.families.members import arrays_to_transform, operations_to_transform
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

_Codes = DictionaryLearning | MiniBatchDictionaryLearning | MiniBatchNMF | NMF
_Components = NeighborhoodComponentsAnalysis | TruncatedSVD
_PCA = IncrementalPCA | PCA
_RandomProjection = GaussianRandomProjection | SparseRandomProjection
_SparsePCA = MiniBatchSparsePCA | SparsePCA


@stored_arrays.register(_Codes | _Components)
def _components(model: Any) -> Stored:
    return {"components": Weights(model.components_)}


@stored_arrays.register(_PCA)
def _pca(model: Any) -> Stored:
    variances = model.explained_variance_ if model.whiten else None
    return {**_centred(model), "explained_variance": variances}


@operations_per_row.register(_PCA)
def _pca_operations(model: Any) -> float:
    return float(model.components_.size + (len(model.components_) if model.whiten else 0))


@stored_arrays.register(_SparsePCA)
def _centred(model: Any) -> Stored:
    return {"components": Weights(model.components_), "mean": Weights(model.mean_)}


@stored_arrays.register(FactorAnalysis)
def _factors(model: Any) -> Stored:
    return {**_centred(model), "noise_variance": model.noise_variance_}


@operations_per_row.register(_SparsePCA | FactorAnalysis)
def _solved_operations(model: Any) -> float:
    return float(model.components_.size + len(model.components_) ** 2)


@stored_arrays.register(FastICA)
def _independent(model: Any) -> Stored:
    mean = Weights(model.mean_) if model.whiten else None
    return {"components": Weights(model.components_), "mean": mean}


@stored_arrays.register(_RandomProjection)
def _random_projection(model: Any) -> Stored:
    return matrix("components", model.components_)


@stored_arrays.register(BernoulliRBM)
def _boltzmann(model: Any) -> Stored:
    return {**_components(model), "intercept": Weights(model.intercept_hidden_)}


@operations_per_row.register(_Components | _RandomProjection | BernoulliRBM | FastICA)
def _components_operations(model: Any) -> float:
    return float(model.components_.size)


@stored_arrays.register(SparseCoder)
def _dictionary(model: Any) -> Stored:
    return {"components": Weights(model.dictionary)}


@stored_arrays.register(LatentDirichletAllocation)
def _topics(model: Any) -> Stored:
    return {"components": model.exp_dirichlet_component_}


@arrays_to_transform.register(LinearDiscriminantAnalysis)
def _discriminants(model: Any) -> Stored:
    scalings = model.scalings_[:, : model._max_components]
    return {
        "scalings": Weights(scalings),
        "mean": Weights(model.xbar_) if model.solver == "svd" else None,
    }


@operations_to_transform.register(LinearDiscriminantAnalysis)
def _discriminants_operations(model: Any) -> float:
    return float(model.scalings_[:, : model._max_components].size)


@stored_arrays.register(PLSSVD)
def _singular(model: Any) -> Stored:
    return {
        "weights": Weights(model.x_weights_),
        "mean": Weights(model._x_mean),
        "scale": model._x_std if model.scale else None,
    }


@operations_per_row.register(PLSSVD)
def _singular_operations(model: Any) -> float:
    return float(model.x_weights_.size + (model.n_features_in_ if model.scale else 0))
