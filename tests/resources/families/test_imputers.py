"""Each count is proved by rebuilding `transform` from exactly the arrays that were counted."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.tree import DecisionTreeRegressor

from optistruct.exceptions import ResourceError
from optistruct.resources import count_operations, count_parameters, stored_arrays


@pytest.fixture
def X():
    """Make holes in three of four columns."""
    X = load_iris().data[::3].copy()
    X[::5, 1] = X[1::7, 2] = X[2::9, 3] = np.nan
    return X


@pytest.fixture
def with_an_empty_column(X):
    X[:, 2] = np.nan
    return X


def marked(model, X):
    """Mark the holes by what a model's indicator stores."""
    [indicator] = stored_arrays(model)["indicator"].models
    return np.isnan(X[:, stored_arrays(indicator)["features"]])


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
def test_simple_imputer(X, strategy):
    model = SimpleImputer(strategy=strategy).fit(X)
    expected = np.where(np.isnan(X), stored_arrays(model)["statistics"], X)
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 4
    assert count_operations(model) == 0


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_a_column_without_a_fill_is_dropped(with_an_empty_column):
    X = with_an_empty_column
    model = SimpleImputer().fit(X)
    fills = stored_arrays(model)["statistics"]
    expected = np.where(np.isnan(X), fills, X)[:, ~np.isnan(fills)]
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 4


def test_a_constant_is_a_setting(X):
    model = SimpleImputer(strategy="constant", fill_value=-1.0).fit(X)
    np.testing.assert_allclose(model.transform(X), np.where(np.isnan(X), -1.0, X))
    assert count_parameters(model).total == 0


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_which_columns_a_constant_drops_is_stored(with_an_empty_column):
    X = with_an_empty_column
    model = SimpleImputer(strategy="constant", fill_value=-1.0).fit(X)
    dropped = stored_arrays(model)["statistics"]
    expected = np.delete(np.where(np.isnan(X), -1.0, X), dropped, axis=1)
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 1


def test_columns_that_are_kept_empty_store_nothing(with_an_empty_column):
    X = with_an_empty_column
    settings = {"strategy": "constant", "fill_value": -1.0, "keep_empty_features": True}
    model = SimpleImputer(**settings).fit(X)
    np.testing.assert_allclose(model.transform(X), np.where(np.isnan(X), -1.0, X))
    assert count_parameters(model).total == 0


def test_an_indicator_is_added(X):
    model = SimpleImputer(add_indicator=True).fit(X)
    filled = np.where(np.isnan(X), stored_arrays(model)["statistics"], X)
    np.testing.assert_allclose(model.transform(X), np.hstack([filled, marked(model, X)]))
    assert count_parameters(model).total == 4 + 3


@pytest.mark.parametrize(("features", "total"), [("missing-only", 3), ("all", 0)])
def test_missing_indicator(X, features, total):
    model = MissingIndicator(features=features).fit(X)
    columns = stored_arrays(model)["features"]
    expected = np.isnan(X if columns is None else X[:, columns])
    np.testing.assert_array_equal(model.transform(X), expected)
    assert count_parameters(model).total == total
    assert count_operations(model) == 0


@pytest.mark.parametrize(("add_indicator", "total"), [(False, 50 * 4), (True, 50 * 4 + 3)])
def test_k_nearest_neighbours_imputer(X, add_indicator, total):
    model = KNNImputer(n_neighbors=3, add_indicator=add_indicator).fit(X)
    rows = stored_arrays(model)["rows"]
    new = np.random.default_rng(0).permuted(X, axis=0)
    expected = new.copy()
    for i, j in np.argwhere(np.isnan(new)):
        donors = rows[~np.isnan(rows[:, j])]
        nearest = nan_euclidean_distances(new[[i]], donors)[0].argsort(kind="stable")[:3]
        expected[i, j] = donors[nearest, j].mean()
    if add_indicator:
        expected = np.hstack([expected, marked(model, new)])
    assert_mostly_close(model.transform(new), expected)
    assert count_parameters(model).total == total
    assert count_operations(model) == 50 * 4


def assert_mostly_close(actual, expected):
    """Compare but for a few ties between neighbours, which may fall either way."""
    assert actual.shape == expected.shape
    assert np.isclose(actual, expected).mean() > 0.95


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("neighbors", [None, 2])
def test_iterative_imputer(X, neighbors):
    model = IterativeImputer(Ridge(), max_iter=3, n_nearest_features=neighbors, random_state=0)
    model.fit(X)
    stored = stored_arrays(model)
    assert stored["indicator"] is None
    [initial] = stored["initial"].models
    filled = np.where(np.isnan(X), stored_arrays(initial)["statistics"], X)
    steps = zip(stored["column"], stored["estimators"].models, strict=True)
    for i, (column, estimator) in enumerate(steps):
        holes = np.isnan(X[:, column])
        others = np.delete(range(4), column) if neighbors is None else stored["neighbors"][i]
        if holes.any():
            filled[holes, column] = estimator.predict(filled[holes][:, others])
    np.testing.assert_allclose(model.transform(X), filled)
    columns = neighbors or 3
    of_a_step = 1 + (columns + 1) + (neighbors or 0)
    assert count_parameters(model).total == 4 + 3 * 4 * of_a_step
    assert count_operations(model) == 3 * 4 * columns


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iterative_imputer_only_of_columns_with_holes(X):
    tree = DecisionTreeRegressor(max_leaf_nodes=3, random_state=0)
    model = IterativeImputer(tree, max_iter=2, skip_complete=True, add_indicator=True).fit(X)
    steps = model.imputation_sequence_
    assert len(steps) == 2 * 3
    assert count_parameters(model).total == 4 + 6 * (1 + 2 * 2 + 3) + 3
    assert count_operations(model) == sum(count_operations(step.estimator) for step in steps)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_drawn_is_refused(X):
    model = IterativeImputer(sample_posterior=True, max_iter=1, random_state=0).fit(X)
    with pytest.raises(ResourceError, match="draws what it fills in"):
        count_parameters(model)
