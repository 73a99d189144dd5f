"""Each count is proved by predicting with exactly the models that were counted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PowerTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from optistruct.exceptions import ResourceError
from optistruct.resources import count_operations, count_parameters, stored_arrays

FRAME = pd.DataFrame(
    {"age": [20.0, np.nan, 35.0, 50.0], "visits": [1, 2, 3, 5], "plan": list("abca"), "city": "x"}
)


@pytest.fixture
def task():
    return load_breast_cancer(return_X_y=True)


def members(model):
    return [part.models[0] for part in stored_arrays(model).values()]


def test_pipeline_is_the_sum_of_its_steps():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), "passthrough", PCA(2), None, LogisticRegression())
    model.fit(X, y)
    scaler, pca, regression = members(model)
    expected = regression.predict(pca.transform(scaler.transform(X)))
    np.testing.assert_array_equal(model.predict(X), expected)
    count = count_parameters(model)
    assert count.total == 2 * 4 + (2 * 4 + 4) + 3 * (2 + 1)
    assert count.by_part["pca.components"] == 2 * 4
    assert count_operations(model) == 4 + 2 * 4 + 3 * 2


def test_column_transformer_is_the_sum_of_its_parts():
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    model = ColumnTransformer(
        [
            ("numbers", numbers, ["age", "visits"]),
            ("plan", OneHotEncoder(sparse_output=False), ["plan"]),
            ("dropped", "drop", ["city"]),
        ]
    ).fit(FRAME)
    numbers, plan = members(model)
    numbers = make_pipeline(*(step.models[0] for step in stored_arrays(numbers).values()))
    parts = [numbers.transform(FRAME[["age", "visits"]]), plan.transform(FRAME[["plan"]])]
    np.testing.assert_allclose(model.transform(FRAME), np.hstack(parts))
    count = count_parameters(model)
    assert count.total == (2 + 2 * 2) + 3
    assert count.by_part["plan.categories"] == 3
    assert count_operations(model) == 2


def test_what_a_column_transformer_passes_through_stores_nothing():
    X = load_iris().data
    parts = [("scale", StandardScaler(), [0, 2]), ("same", "passthrough", [1])]
    model = ColumnTransformer(parts, remainder="passthrough").fit(X)
    scaler = members(model)[0]
    expected = np.hstack([scaler.transform(X[:, [0, 2]]), X[:, [1, 3]]])
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == 2 * 2
    assert count_operations(model) == 2


def test_a_transformer_without_columns_stores_nothing():
    parts = [("scale", StandardScaler(), [0, 2]), ("none", OneHotEncoder(), [])]
    model = ColumnTransformer(parts).fit(load_iris().data)
    assert count_parameters(model).total == 2 * 2
    assert count_operations(model) == 2


def test_the_transformer_of_the_remainder_counts():
    parts = [("scale", StandardScaler(), [0])]
    model = ColumnTransformer(parts, remainder=MinMaxScaler()).fit(load_iris().data)
    assert count_parameters(model).total == 2 * 1 + 2 * 3
    assert count_operations(model) == 1 + 3


def test_union_is_the_sum_of_its_parts():
    X = load_iris().data
    parts = [("pca", PCA(2)), ("scale", StandardScaler()), ("same", "passthrough"), ("no", "drop")]
    model = FeatureUnion(parts, transformer_weights={"pca": 2.0}).fit(X)
    pca, scaler, _ = members(model)
    expected = np.hstack([2 * pca.transform(X), scaler.transform(X), X])
    np.testing.assert_allclose(model.transform(X), expected)
    assert count_parameters(model).total == (2 * 4 + 4) + 2 * 4
    assert count_operations(model) == 2 * 4 + 4


def test_nested_ones(task):
    X, y = task
    inner = make_pipeline(StandardScaler(), PCA(2))
    columns = ColumnTransformer([("inner", inner, [0, 1, 2])], remainder=MinMaxScaler())
    model = make_pipeline(columns, DecisionTreeClassifier(max_leaf_nodes=4)).fit(X, y)
    count = count_parameters(model)
    assert count.total == (2 * 3 + 2 * 3 + 3) + 2 * 27 + (2 * 3 + 2 * 4)
    assert count.by_part["columntransformer.inner.pca.mean"] == 3
    assert count.exact
    assert count_operations(model) == 3 + 2 * 3 + 27 + count_operations(model[-1])


@pytest.mark.parametrize(
    ("transformer", "total", "operations"), [(PowerTransformer(), 3, 1), (None, 0, 0)]
)
def test_regression_of_a_transformed_target(transformer, total, operations):
    X, y = load_diabetes(return_X_y=True)
    model = TransformedTargetRegressor(Ridge(), transformer=transformer).fit(X, y)
    regressor, inverse = members(model)
    expected = inverse.inverse_transform(regressor.predict(X).reshape(-1, 1)).ravel()
    np.testing.assert_allclose(model.predict(X), expected)
    assert count_parameters(model).total == 10 + 1 + total
    assert count_operations(model) == 10 + operations


def test_a_step_without_parameters():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(Normalizer(), LogisticRegression()).fit(X, y)
    assert count_parameters(model).total == 3 * (4 + 1)
    assert count_operations(model) == 2 * 4 + 3 * 4


def test_a_step_without_a_definition_is_named_or_flagged():
    class Shift:
        def fit(self, X, y=None):
            self.mean_ = X.mean(axis=0)
            return self

        def transform(self, X):
            return X - self.mean_

        def get_params(self, deep=True):
            return {}

    X, y = load_iris(return_X_y=True)
    inner = make_pipeline(StandardScaler(), Shift())
    model = make_pipeline(inner, LogisticRegression()).fit(X, y)
    with pytest.raises(ResourceError, match="Shift cannot be counted"):
        count_parameters(model)
    count = count_parameters(model, exact=False)
    assert (count.total, count.exact) == (2 * 4 + 4 + 3 * (4 + 1), False)


def test_unfitted_ones_are_refused():
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        count_parameters(make_pipeline(StandardScaler(), Ridge()))
