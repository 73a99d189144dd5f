"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import Birch, FeatureAgglomeration, KMeans, MiniBatchKMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays

X = load_iris().data


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
def test_k_means(kind):
    model = kind(5, n_init=1, random_state=0).fit(X)
    distances = cdist(X, arrays(model)["centers"])
    np.testing.assert_array_equal(model.predict(X), distances.argmin(axis=1))
    np.testing.assert_allclose(model.transform(X), distances)
    assert count_parameters(model).total == count_operations(model) == 5 * 4


def test_birch():
    model = Birch(threshold=0.8, n_clusters=2).fit(X)
    stored = arrays(model)
    distances = cdist(X, stored["centers"])
    np.testing.assert_array_equal(model.predict(X), stored["labels"][distances.argmin(axis=1)])
    np.testing.assert_allclose(model.transform(X), distances, atol=1e-6)
    groups = distances.shape[1]
    assert groups > 2
    assert count_parameters(model).total == groups * 4 + groups
    assert count_operations(model) == groups * 4


def test_birch_needs_no_labels_before_the_last_step():
    pipeline = make_pipeline(Birch(threshold=0.8), Ridge()).fit(X, X[:, 0])
    groups = len(pipeline[0].subcluster_centers_)
    assert count_parameters(pipeline).total == groups * 4 + (groups + 1)
    assert count_operations(pipeline) == groups * 4 + groups


def test_agglomeration_of_features():
    model = FeatureAgglomeration(2).fit(X)
    labels = arrays(model)["labels"]
    expected = np.column_stack([X[:, labels == i].mean(axis=1) for i in range(2)])
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == count_operations(model) == 4
