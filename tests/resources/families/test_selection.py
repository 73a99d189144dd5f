"""Each count is proved by rebuilding `transform` or `predict` from exactly what was counted."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from optistruct.resources import count_operations, count_parameters, stored_arrays

TREE = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0)


@pytest.fixture
def task():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:150], y[:150]


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        (SelectKBest(k=3), 3),
        (SelectPercentile(percentile=20), 6),
        (SelectFpr(alpha=1e-5), None),
        (SelectFdr(alpha=1e-5), None),
        (SelectFwe(alpha=1e-5), None),
        (GenericUnivariateSelect(mode="k_best", param=4), 4),
        (SelectFromModel(TREE, threshold=1e-9), None),
        (SequentialFeatureSelector(TREE, n_features_to_select=1, cv=2), 1),
        (VarianceThreshold(1.0), None),
    ],
)
def test_selector(model, kept, task):
    X, y = task
    model.fit(X, y)
    [(_, support)] = stored_arrays(model).items()
    selected = model.transform(X)
    np.testing.assert_array_equal(selected, X[:, support])
    assert 0 < selected.shape[1] < 30
    assert kept is None or selected.shape[1] == kept
    assert count_parameters(model).total == selected.shape[1]
    assert count_operations(model) == 0


@pytest.mark.parametrize(
    "model",
    [
        RFE(TREE, n_features_to_select=2, step=10),
        RFECV(TREE, min_features_to_select=2, step=14, cv=2),
    ],
)
class TestElimination:
    def test_predicts_with_its_estimator(self, model, task):
        X, y = task
        model.fit(X, y)
        stored = stored_arrays(model)
        [estimator] = stored["estimator"].models
        np.testing.assert_array_equal(
            model.predict(X), model.classes_[estimator.predict(X[:, stored["support"]])]
        )
        splits = estimator.tree_.node_count // 2
        assert count_parameters(model).total == model.n_features_ + 2 * splits + 2 * (splits + 1)
        assert count_operations(model) == count_operations(estimator) > 0

    def test_only_selects_before_the_last_step(self, model, task):
        pipeline = make_pipeline(model, TREE).fit(*task)
        selector, tree = pipeline[0], pipeline[1]
        count = count_parameters(pipeline)
        assert count.by_part[f"{type(model).__name__.lower()}.support"] == selector.n_features_
        assert count.total == selector.n_features_ + count_parameters(tree).total
        assert count_operations(pipeline) == count_operations(tree)

    def test_predicts_as_the_last_step(self, model, task):
        pipeline = make_pipeline("passthrough", model).fit(*task)
        assert count_parameters(pipeline).total == count_parameters(pipeline[1]).total
        assert count_operations(pipeline) == count_operations(pipeline[1]) > 0

    def test_only_selects_in_a_union_or_a_pipeline_that_transforms(self, model, task):
        inner = make_pipeline(VarianceThreshold(), model)
        union = FeatureUnion([("inner", inner)]).fit(*task)
        assert count_parameters(union).total == 30 + union.transform(task[0]).shape[1]
        assert count_operations(union) == 0
