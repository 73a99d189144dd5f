"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import load_digits, load_iris
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.utils import all_estimators

from optistruct.resources import count_operations, count_parameters
from optistruct.resources.parameters import has_definition
from tests.resources.families.conftest import arrays


def digits():
    X, y = load_digits(return_X_y=True)
    return X[100:400, 10:30], y[100:400]


def test_every_naive_bayes_has_a_definition():
    listed = all_estimators(type_filter="classifier")
    kinds = [kind for _, kind in listed if kind.__module__ == "sklearn.naive_bayes"]
    assert len(kinds) == 5
    assert all(has_definition(kind()) for kind in kinds)


def test_gaussian():
    X, y = load_iris(return_X_y=True)
    X, y = X[20:], y[20:]
    model = GaussianNB().fit(X, y)
    stored = arrays(model)
    logs = norm.logpdf(X[:, None], stored["mean"], np.sqrt(stored["variance"])).sum(axis=-1)
    made = logs + np.log(stored["prior"])
    np.testing.assert_allclose(made, model.predict_joint_log_proba(X))
    np.testing.assert_array_equal(model.classes_[made.argmax(axis=1)], model.predict(X))
    assert count_parameters(model).total == 2 * 3 * 4 + 3
    assert count_operations(model) == 2 * 3 * 4


def test_multinomial():
    X, y = digits()
    model = MultinomialNB().fit(X, y)
    stored = arrays(model)
    made = X @ stored["log_probability"].T + stored["log_prior"]
    np.testing.assert_allclose(made, model.predict_joint_log_proba(X))
    np.testing.assert_array_equal(model.classes_[made.argmax(axis=1)], model.predict(X))
    assert count_parameters(model).total == 10 * 20 + 10
    assert count_operations(model) == 10 * 20


def test_bernoulli():
    X, y = digits()
    model = BernoulliNB(binarize=4.0).fit(X, y)
    stored = arrays(model)
    is_on = X[:, None] > 4
    present = stored["log_probability"]
    made = np.where(is_on, present, np.log1p(-np.exp(present))).sum(axis=-1) + stored["log_prior"]
    np.testing.assert_allclose(made, model.predict_joint_log_proba(X))
    np.testing.assert_array_equal(model.classes_[made.argmax(axis=1)], model.predict(X))
    assert count_parameters(model).total == 10 * 20 + 10
    assert count_operations(model) == 10 * 20


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_a_certain_feature_of_bernoulli_has_an_effect():
    model = BernoulliNB(alpha=0.0).fit([[1, 0], [1, 1], [0, 1], [0, 0]], [0, 0, 1, 1])
    assert 0.0 in model.feature_log_prob_
    assert count_parameters(model).effective == 2 * 2 + 2


@pytest.mark.parametrize("norm", [False, True])
def test_complement_reads_no_prior(norm):
    X, y = digits()
    model = ComplementNB(norm=norm).fit(X, y)
    made = X @ arrays(model)["weight"].T
    np.testing.assert_array_equal(model.classes_[made.argmax(axis=1)], model.predict(X))
    assert count_parameters(model).total == 10 * 20
    assert count_operations(model) == 10 * 20


def test_categorical():
    X, y = digits()
    X = (X // np.arange(3, 23)).astype(int)
    categories = X.max(axis=0) + 1
    assert len(set(categories)) > 1
    model = CategoricalNB().fit(X, y)
    stored = arrays(model)
    tables = np.split(stored["log_probability"], np.cumsum(categories)[:-1], axis=1)
    looked_up = [table[:, column].T for table, column in zip(tables, X.T, strict=True)]
    made = np.sum(looked_up, axis=0) + stored["log_prior"]
    np.testing.assert_allclose(made, model.predict_joint_log_proba(X))
    np.testing.assert_array_equal(model.classes_[made.argmax(axis=1)], model.predict(X))
    assert count_parameters(model).total == 10 * categories.sum() + 10
    assert count_operations(model) == 10 * 20
