"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.neighbors import (
    KDTree,
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.semi_supervised import LabelPropagation, LabelSpreading
from sklearn.utils import all_estimators

from optistruct.resources import count_operations, count_parameters
from optistruct.resources.parameters import has_definition
from tests.resources.families.conftest import arrays


def named_iris():
    X, y = load_iris(return_X_y=True)
    X = X + np.linspace(0, 1e-3, 600).reshape(150, 4)  # no two distances alike
    return X, np.array(["a", "b", "c"])[y]


def nearest(X, rows, k):
    return np.argsort(cdist(X, rows), axis=1, kind="stable")[:, :k]


def mode(model, labels):
    votes = [np.bincount(row, minlength=len(model.classes_)) for row in labels]
    return model.classes_[np.argmax(votes, axis=1)]


@pytest.mark.parametrize("module", ["sklearn.neighbors", "sklearn.semi_supervised._label"])
def test_every_model_of_the_module_has_a_definition(module):
    listed = all_estimators(type_filter=["classifier", "regressor"])
    kinds = [kind for _, kind in listed if kind.__module__.startswith(module)]
    assert kinds
    assert all(has_definition(kind()) for kind in kinds)


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_the_nearest_rows_vote(algorithm):
    X, y = named_iris()
    model = KNeighborsClassifier(7, algorithm=algorithm).fit(X[::2], y[::2])
    stored = arrays(model)
    made = mode(model, stored["targets"][nearest(X, stored["rows"], 7)])
    np.testing.assert_array_equal(made, model.predict(X))
    assert count_parameters(model).total == 75 * 4 + 75
    assert count_operations(model) == 75 * 4


def test_the_nearest_rows_of_a_regression_are_weighed():
    X, y = load_diabetes(return_X_y=True)
    targets = np.column_stack([y, y**2])
    model = KNeighborsRegressor(3, weights="distance").fit(X[::2], targets[::2])
    stored = arrays(model)
    new = X[1::2]
    chosen = nearest(new, stored["rows"], 3)
    weights = 1 / np.take_along_axis(cdist(new, stored["rows"]), chosen, axis=1)
    made = (stored["targets"][chosen] * weights[..., None]).sum(axis=1)
    np.testing.assert_allclose(made / weights.sum(axis=1)[:, None], model.predict(new))
    assert count_parameters(model).total == 221 * 10 + 221 * 2
    assert count_operations(model) == 221 * 10


def test_sparse_rows_count_as_the_arrays_that_they_are():
    X, y = load_digits(return_X_y=True)
    X, y = X[:120], y[:120]
    model = KNeighborsClassifier(1).fit(sparse.csr_array(X[:80]), y[:80])
    stored = arrays(model)
    rows = sparse.csr_array(
        (stored["rows"], stored["rows_indices"], stored["rows_indptr"]), shape=(80, 64)
    )
    made = mode(model, stored["targets"][nearest(X, rows.toarray(), 1)])
    np.testing.assert_array_equal(made, model.predict(X))
    values = np.count_nonzero(X[:80])
    assert count_parameters(model).total == 2 * values + 81 + 80
    assert count_operations(model) == values


@pytest.mark.parametrize("kind", [KNeighborsClassifier, RadiusNeighborsClassifier])
def test_models_of_distances_store_no_rows(kind):
    X, y = named_iris()
    distances = cdist(X, X[::3])
    model = kind(metric="precomputed").fit(distances[::3], y[::3])
    stored = arrays(model)
    if kind is KNeighborsClassifier:
        made = mode(model, stored["targets"][distances.argsort(axis=1)[:, :5]])
    else:
        made = mode(model, [stored["targets"][row <= 1.0] for row in distances])
    np.testing.assert_array_equal(made, model.predict(distances))
    assert count_parameters(model).total == 50
    assert count_operations(model) == 0


def test_rows_from_a_search_tree_count_as_rows():
    X, _ = load_diabetes(return_X_y=True)
    tree = KNeighborsRegressor().fit(KDTree(X), X[:, 0])
    assert count_parameters(tree).total == 442 * 10 + 442
    assert count_operations(tree) == 442 * 10


def test_rows_within_the_radius_are_averaged():
    X, y = load_diabetes(return_X_y=True)
    model = RadiusNeighborsRegressor(0.2).fit(X, y)
    stored = arrays(model)
    is_near = cdist(X, stored["rows"]) <= 0.2
    made = is_near @ stored["targets"] / is_near.sum(axis=1)
    np.testing.assert_allclose(made, model.predict(X))
    assert count_parameters(model).total == 442 * 10 + 442
    assert count_operations(model) == 442 * 10


@pytest.mark.parametrize(("label", "learnt"), [("most_frequent", 1), ("b", 0), (["b"], 0)])
def test_the_label_of_rows_without_neighbours_counts_where_it_is_learnt(label, learnt):
    X, y = named_iris()
    X, y = X[20:120], y[20:120]  # most are b
    model = RadiusNeighborsClassifier(0.4, outlier_label=label).fit(X, y)
    stored = arrays(model)
    new = np.vstack([X, [[90.0, 90.0, 90.0, 90.0]]])
    is_near = cdist(new, stored["rows"]) <= 0.4
    made = mode(model, [stored["targets"][near] for near in is_near])
    made[~is_near.any(axis=1)] = stored.get("outlier_label", ["b"])[0]
    np.testing.assert_array_equal(made, model.predict(new))
    assert made[-1] == "b"
    assert count_parameters(model).total == 100 * 4 + 100 + learnt
    assert count_operations(model) == 100 * 4


def partly_labelled():
    X, y = load_iris(return_X_y=True)
    labels = y.copy()
    labels[np.arange(150) % 3 > 0] = -1
    return X, labels


@pytest.mark.parametrize("kind", [LabelPropagation, LabelSpreading])
def test_propagated_labels_are_weighed_by_the_kernel(kind):
    X, labels = partly_labelled()
    model = kind(gamma=0.5, max_iter=1000).fit(X, labels)
    stored = arrays(model)
    weights = np.exp(-0.5 * cdist(X, stored["rows"]) ** 2)
    votes = weights @ stored["labels"]
    np.testing.assert_array_equal(model.classes_[votes.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(votes / votes.sum(axis=1)[:, None], model.predict_proba(X))
    assert count_parameters(model).total == 150 * 4 + 150 * 3
    assert count_parameters(model).effective == 600 + np.count_nonzero(stored["labels"])
    assert count_operations(model) == 150 * 4 + 150 * 3


def test_propagated_labels_of_the_nearest_rows_are_added_up():
    X, labels = partly_labelled()
    X = X + np.linspace(0, 1e-3, 600).reshape(150, 4)
    model = LabelSpreading(kernel="knn", n_neighbors=5).fit(X, labels)
    stored = arrays(model)
    votes = stored["labels"][nearest(X, stored["rows"], 5)].sum(axis=1)
    np.testing.assert_allclose(votes / votes.sum(axis=1)[:, None], model.predict_proba(X))
    assert count_parameters(model).total == 150 * 4 + 150 * 3
    assert count_operations(model) == 150 * 4


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_the_nearest_centre_is_chosen(metric):
    X, y = named_iris()
    model = NearestCentroid(metric=metric).fit(X, y)
    centres = arrays(model)["centroids"]
    distances = cdist(X, centres, "cityblock" if metric == "manhattan" else "euclidean")
    np.testing.assert_array_equal(model.classes_[distances.argmin(axis=1)], model.predict(X))
    assert count_parameters(model).total == 3 * 4
    assert count_operations(model) == 3 * 4


def test_centres_of_unequal_priors_need_the_priors_and_deviations():
    X, y = named_iris()
    X, y = X[20:], y[20:]
    model = NearestCentroid(priors="empirical").fit(X, y)
    stored = arrays(model)
    scaled = cdist(X / stored["deviations"], stored["centroids"] / stored["deviations"])
    made = (2 * np.log(stored["priors"]) - scaled**2).argmax(axis=1)
    np.testing.assert_array_equal(model.classes_[made], model.predict(X))
    assert count_parameters(model).total == 3 * 4 + 4 + 3
    assert count_operations(model) == 3 * 4 + 4
    even = NearestCentroid(priors="empirical").fit(*named_iris())
    assert count_parameters(even).total == 3 * 4
