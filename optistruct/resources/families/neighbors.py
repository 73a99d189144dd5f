"""Models that compare a row with stored rows or with the centres of classes.

| models | stored | operations a row |
|---|---|---|
| nearest neighbours, by number or radius | the training rows, their targets | the rows' values |
| ... of distances (`metric="precomputed"`) | the targets | 0 |
| label propagation and spreading | the training rows, K probabilities for each | both |
| ... by nearest neighbours (`kernel="knn"`) | the same two | the rows' values |
| nearest centroid | K centres | the centres' values |
| ... with unequal priors | K centres, a deviation a feature, K priors | centres, deviations |

A sparse matrix of rows counts as its three arrays, and its values are those that it stores. A
search tree over the rows only saves time: it isn't counted, and nor is what it saves. The label
for rows without neighbours counts where it is learnt (`outlier_label="most_frequent"`).
"""

from typing import Any

import numpy as np
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from optistruct.resources.families.matrices import matrix
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

_Neighbors = KNeighborsClassifier | KNeighborsRegressor | RadiusNeighborsRegressor
_Propagation = LabelPropagation | LabelSpreading


@stored_arrays.register(_Neighbors)
def _neighbors(model: Any) -> Stored:
    rows = {} if model.metric == "precomputed" else matrix("rows", model._fit_X)
    return {**rows, "targets": model._y}


@stored_arrays.register(RadiusNeighborsClassifier)
def _radius_classifier(model: Any) -> Stored:
    is_learnt = isinstance(model.outlier_label, str) and model.outlier_label == "most_frequent"
    return {**_neighbors(model), "outlier_label": model.outlier_label_ if is_learnt else None}


@operations_per_row.register(_Neighbors | RadiusNeighborsClassifier)
def _neighbors_operations(model: Any) -> float:
    return 0.0 if model.metric == "precomputed" else float(model._fit_X.size)


@stored_arrays.register(_Propagation)
def _propagation(model: Any) -> Stored:
    return {**matrix("rows", model.X_), "labels": Weights(model.label_distributions_)}


@operations_per_row.register(_Propagation)
def _propagation_operations(model: Any) -> float:
    votes = 0 if model.kernel == "knn" else model.label_distributions_.size
    return float(model.X_.size + votes)


@stored_arrays.register(NearestCentroid)
def _centroid(model: Any) -> Stored:
    if _has_equal_priors(model):
        return {"centroids": model.centroids_}
    return {
        "centroids": model.centroids_,
        "deviations": model.within_class_std_dev_,
        "priors": model.class_prior_,
    }


@operations_per_row.register(NearestCentroid)
def _centroid_operations(model: Any) -> float:
    scaling = 0 if _has_equal_priors(model) else model.within_class_std_dev_.size
    return float(model.centroids_.size + scaling)


def _has_equal_priors(model: Any) -> bool:
    """Tell by scikit-learn's own test whether a prediction is just the nearest centre."""
    return bool(np.isclose(model.class_prior_, 1 / len(model.classes_)).all())
