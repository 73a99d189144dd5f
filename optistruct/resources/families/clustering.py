"""Clusters, as groups of rows and as groups of columns.

| models | stored | operations a row |
|---|---|---|
| k means, mini-batch k means | the centres | the centres |
| Birch | the centres of the subclusters, and the cluster of each | the centres |
| agglomeration of features | the cluster of each column | 1 a column |

A row's cluster is that of the nearest centre. Birch as a transformer measures the distances to
the centres and needs no clusters of them.
"""

from typing import Any

from sklearn.cluster import Birch, FeatureAgglomeration, KMeans, MiniBatchKMeans

from optistruct.resources.families.members import arrays_to_transform, operations_to_transform
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, stored_arrays

_KMeans = KMeans | MiniBatchKMeans


@stored_arrays.register(_KMeans)
def _means(model: Any) -> Stored:
    return {"centers": model.cluster_centers_}


@operations_per_row.register(_KMeans)
def _means_operations(model: Any) -> float:
    return float(model.cluster_centers_.size)


@arrays_to_transform.register(Birch)
def _subclusters(model: Any) -> Stored:
    return {"centers": model.subcluster_centers_}


@stored_arrays.register(Birch)
def _birch(model: Any) -> Stored:
    return {**_subclusters(model), "labels": model.subcluster_labels_}


@operations_to_transform.register(Birch)
@operations_per_row.register(Birch)
def _birch_operations(model: Any) -> float:
    return float(model.subcluster_centers_.size)


@stored_arrays.register(FeatureAgglomeration)
def _agglomeration(model: Any) -> Stored:
    return {"labels": model.labels_}


@operations_per_row.register(FeatureAgglomeration)
def _agglomeration_operations(model: Any) -> float:
    return float(model.labels_.size)
