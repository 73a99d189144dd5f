"""Each count is proved by predicting with exactly the models and arrays that were counted."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import linear_kernel
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.svm import SVC

from optistruct.resources import count_operations, count_parameters, stored_arrays

X, Y = load_iris(return_X_y=True)
LABELS = np.column_stack([Y == 0, Y == 1, X[:, 0] > 6]).astype(int)
REGRESSION = LogisticRegression(max_iter=500)


def members(model):
    return stored_arrays(model)["estimators"].models


def test_one_against_the_rest():
    model = OneVsRestClassifier(REGRESSION).fit(X, Y)
    margins = [member.decision_function(X) for member in members(model)]
    np.testing.assert_array_equal(model.predict(X), np.argmax(margins, axis=0))
    assert count_parameters(model).total == 3 * (4 + 1)
    assert count_operations(model) == 3 * 4


def test_a_class_that_all_have_is_a_constant():
    labels = np.column_stack([np.ones(150, int), LABELS[:, 0]])
    with pytest.warns(UserWarning, match="present in all training examples"):
        model = OneVsRestClassifier(REGRESSION).fit(X, labels)
    constant, member = members(model)
    [always] = stored_arrays(constant)["constant"]
    expected = np.column_stack([np.repeat(always, 150), member.predict(X)])
    np.testing.assert_array_equal(model.predict(X), expected)
    assert count_parameters(model).total == 1 + (4 + 1)
    assert count_operations(model) == 4


def test_one_against_one():
    model = OneVsOneClassifier(REGRESSION).fit(X, Y)
    assert stored_arrays(model)["rows"] is None
    np.testing.assert_array_equal(model.predict(X), duel(members(model), [X] * 3))
    assert count_parameters(model).total == 3 * (4 + 1)
    assert count_operations(model) == 3 * 4


def test_one_against_one_by_a_precomputed_kernel_stores_the_rows_of_each():
    kernel = linear_kernel(X)
    model = OneVsOneClassifier(SVC(kernel="precomputed")).fit(kernel, Y)
    rows = np.split(stored_arrays(model)["rows"], [100, 200])
    tables = [kernel[:, mine] for mine in rows]
    np.testing.assert_array_equal(model.predict(kernel), duel(members(model), tables))
    of_the_members = sum(count_parameters(member).total for member in members(model))
    assert count_parameters(model).total == of_the_members + 3 * 100


def duel(judges, tables):
    """Count the wins of each class; the margins decide between equals."""
    pairs = [(0, 1), (0, 2), (1, 2)]
    wins, margins = np.zeros((150, 3)), np.zeros((150, 3))
    for (first, second), judge, table in zip(pairs, judges, tables, strict=True):
        margin = judge.decision_function(table)
        wins[:, first] += margin <= 0
        wins[:, second] += margin > 0
        margins[:, first] -= margin
        margins[:, second] += margin
    return (wins + margins / (3 * (np.abs(margins) + 1))).argmax(axis=1)


def test_output_codes():
    model = OutputCodeClassifier(REGRESSION, code_size=2, random_state=3).fit(X, Y)
    codes = stored_arrays(model)["codes"]
    margins = np.transpose([member.decision_function(X) for member in members(model)])
    distances = ((margins[:, None] - codes) ** 2).sum(axis=2)
    np.testing.assert_array_equal(model.predict(X), distances.argmin(axis=1))
    assert count_parameters(model).total == 6 * (4 + 1) + 3 * 6
    assert count_operations(model) == 6 * 4 + 3 * 6


def test_several_outputs():
    classifier = MultiOutputClassifier(REGRESSION).fit(X, LABELS)
    expected = np.transpose([member.predict(X) for member in members(classifier)])
    np.testing.assert_array_equal(classifier.predict(X), expected)
    assert count_parameters(classifier).total == 3 * (4 + 1)
    assert count_operations(classifier) == 3 * 4
    X_, y = load_diabetes(return_X_y=True)
    regressor = MultiOutputRegressor(Ridge()).fit(X_, np.column_stack([y, -y]))
    expected = np.transpose([member.predict(X_) for member in members(regressor)])
    np.testing.assert_allclose(regressor.predict(X_), expected)
    assert count_parameters(regressor).total == 2 * (10 + 1)
    assert count_operations(regressor) == 2 * 10


@pytest.mark.parametrize(("order", "stored"), [(None, 0), ([2, 0, 1], 0), ("random", 3)])
@pytest.mark.parametrize("kind", [ClassifierChain, RegressorChain])
def test_chain(kind, order, stored):
    member = REGRESSION if kind is ClassifierChain else Ridge()
    model = kind(member, order=order, random_state=2).fit(X, LABELS)
    parts = stored_arrays(model)
    if order == "random":
        order = parts["order"].tolist()
        assert order != [0, 1, 2]
    predictions = np.empty((150, 0))
    for link in members(model):
        seen = np.hstack([X, predictions])
        predictions = np.column_stack([predictions, link.predict(seen)])
    expected = predictions[:, np.argsort(order or [0, 1, 2])]
    np.testing.assert_allclose(model.predict(X), expected)
    assert count_parameters(model).total == (4 + 5 + 6) + 3 + stored
    assert count_operations(model) == 4 + 5 + 6
