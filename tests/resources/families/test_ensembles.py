"""Each count is proved by predicting with exactly the models and arrays that were counted."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct.resources import count_operations, count_parameters, stored_arrays

FLOWERS = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
CLASSIFIER = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0)
REGRESSOR = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0)
OF_A_CLASSIFIER = 2 * 3 + 3 * 4
OF_A_REGRESSOR = 2 * 3 + 4


def mean_depth(trees, X):
    """Sum the trees' mean number of comparisons."""
    return sum(tree.decision_path(X).sum(axis=1).mean() - 1 for tree in trees)


@pytest.mark.parametrize(
    ("settings", "indices"),
    [
        ({}, 0),
        ({"max_features": 0.5}, 2),
        ({"max_features": 3}, 3),
        ({"bootstrap_features": True}, 4),
    ],
)
def test_bagging_classifier(settings, indices):
    X, y = FLOWERS
    model = BaggingClassifier(LogisticRegression(max_iter=500), 5, random_state=0, **settings)
    model.fit(X, y)
    stored = stored_arrays(model)
    members = stored["estimators"].models
    columns = [...] * 5 if stored["features"] is None else stored["features"]
    chances = [m.predict_proba(X[:, c]) for m, c in zip(members, columns, strict=True)]
    np.testing.assert_array_equal(model.predict(X), np.mean(chances, axis=0).argmax(axis=1))
    width = indices or 4
    assert count_parameters(model).total == 5 * (3 * (width + 1) + indices)
    assert count_operations(model) == 5 * 3 * width


def test_bagging_regressor():
    X, y = PATIENTS
    model = BaggingRegressor(REGRESSOR, 4, bootstrap=False, max_features=0.3, random_state=0)
    model.fit(X, y)
    stored = stored_arrays(model)
    pairs = list(zip(stored["estimators"].models, stored["features"], strict=True))
    expected = np.mean([tree.predict(X[:, columns]) for tree, columns in pairs], axis=0)
    np.testing.assert_allclose(model.predict(X), expected)
    assert count_parameters(model).total == 4 * (OF_A_REGRESSOR + 3)
    depth = sum(mean_depth([tree], X[:, columns]) for tree, columns in pairs)
    assert count_operations(model) == pytest.approx(depth)


def test_adaboost_classifier():
    X, y = FLOWERS
    model = AdaBoostClassifier(CLASSIFIER, n_estimators=6, random_state=0).fit(X, y)
    stored = stored_arrays(model)
    members, weights = stored["estimators"].models, stored["weights"].array
    votes = np.zeros((150, 3))
    for member, weight in zip(members, weights, strict=True):
        votes[np.arange(150), member.predict(X)] += weight
    np.testing.assert_array_equal(model.predict(X), votes.argmax(axis=1))
    assert count_parameters(model).total == 6 * (OF_A_CLASSIFIER + 1)
    sizes = [count_operations(member) for member in members]
    assert count_operations(model) == pytest.approx(sum(sizes) + 6)


def test_adaboost_that_stopped_early_has_no_more_weights_than_members():
    X, y = load_breast_cancer(return_X_y=True)
    model = AdaBoostClassifier(DecisionTreeClassifier(random_state=0), n_estimators=9).fit(X, y)
    leaves = model.estimators_[0].get_n_leaves()
    assert len(model.estimators_) == 1
    assert count_parameters(model).total == 2 * (leaves - 1) + 2 * leaves + 1


def test_adaboost_regressor():
    X, y = PATIENTS
    model = AdaBoostRegressor(REGRESSOR, n_estimators=5, random_state=0).fit(X, y)
    stored = stored_arrays(model)
    weights = stored["weights"].array
    predictions = np.transpose([m.predict(X) for m in stored["estimators"].models])
    order = predictions.argsort(axis=1)
    below = weights[order].cumsum(axis=1)
    median = (below >= below[:, [-1]] / 2).argmax(axis=1)
    rows = np.arange(len(X))
    np.testing.assert_allclose(model.predict(X), predictions[rows, order[rows, median]])
    assert count_parameters(model).total == 5 * (OF_A_REGRESSOR + 1)
    sizes = [count_operations(member) for member in model.estimators_]
    assert count_operations(model) == pytest.approx(sum(sizes) + 5)


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_vote_of_classifiers(voting):
    X, y = FLOWERS
    weights = [1, 2]
    regression = make_pipeline(StandardScaler(), LogisticRegression())
    parts = [("tree", CLASSIFIER), ("none", "drop"), ("regression", regression)]
    model = VotingClassifier(parts, voting=voting, weights=[1, 0, 2]).fit(X, y)
    members = stored_arrays(model)["estimators"].models
    if voting == "soft":
        votes = [m.predict_proba(X) for m in members]
    else:
        votes = [np.eye(3)[m.predict(X)] for m in members]
    expected = np.average(votes, axis=0, weights=weights).argmax(axis=1)
    np.testing.assert_array_equal(model.predict(X), expected)
    assert count_parameters(model).total == OF_A_CLASSIFIER + (2 * 4 + 3 * (4 + 1))
    assert count_operations(model) == pytest.approx(mean_depth(members[:1], X) + 4 + 3 * 4)


def test_vote_of_regressors():
    X, y = PATIENTS
    model = VotingRegressor([("tree", REGRESSOR), ("ridge", Ridge())]).fit(X, y)
    members = stored_arrays(model)["estimators"].models
    np.testing.assert_allclose(model.predict(X), np.mean([m.predict(X) for m in members], axis=0))
    assert count_parameters(model).total == OF_A_REGRESSOR + 10 + 1
    assert count_operations(model) == pytest.approx(mean_depth(members[:1], X) + 10)


@pytest.mark.parametrize(("passthrough", "columns"), [(False, 3 + 3), (True, 3 + 3 + 4)])
def test_stack_of_classifiers(passthrough, columns):
    X, y = FLOWERS
    regression = make_pipeline(PCA(2), LogisticRegression())
    parts = [("tree", CLASSIFIER), ("none", "drop"), ("regression", regression)]
    final = LogisticRegression(max_iter=500)
    model = StackingClassifier(parts, final, cv=2, passthrough=passthrough).fit(X, y)
    stored = stored_arrays(model)
    chances = [member.predict_proba(X) for member in stored["estimators"].models]
    [final] = stored["final_estimator"].models
    table = np.hstack([*chances, X] if passthrough else chances)
    np.testing.assert_array_equal(model.predict(X), final.predict(table))
    of_the_members = OF_A_CLASSIFIER + (2 * 4 + 4) + 3 * (2 + 1)
    assert count_parameters(model).total == of_the_members + 3 * (columns + 1)
    depth = mean_depth(stored["estimators"].models[:1], X)
    assert count_operations(model) == pytest.approx(depth + 2 * 4 + 3 * 2 + 3 * columns)


def test_stack_of_regressors():
    X, y = PATIENTS
    model = StackingRegressor([("tree", REGRESSOR), ("ridge", Ridge())], Ridge(), cv=2).fit(X, y)
    stored = stored_arrays(model)
    table = np.transpose([member.predict(X) for member in stored["estimators"].models])
    [final] = stored["final_estimator"].models
    np.testing.assert_allclose(model.predict(X), final.predict(table))
    assert count_parameters(model).total == OF_A_REGRESSOR + 11 + 3


def test_a_stack_before_the_last_step_stores_no_final_estimator():
    X, y = PATIENTS
    stack = StackingRegressor([("ridge", Ridge()), ("tree", REGRESSOR)], Ridge(), cv=2)
    model = make_pipeline(stack, Ridge()).fit(X, y)
    assert count_parameters(model).total == 11 + OF_A_REGRESSOR + 3
    depth = mean_depth(model[0].estimators_[1:], X)
    assert count_operations(model) == pytest.approx(10 + depth + 2)
