"""Each count is proved by predicting with exactly the models and arrays that were counted."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RANSACRegressor, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct.resources import count_operations, count_parameters, stored_arrays

FLOWERS = load_iris(return_X_y=True)
TUMOURS = load_breast_cancer().data[:, :5], load_breast_cancer().target
REGRESSION = LogisticRegression(max_iter=2000)


def member(model):
    [(_, part)] = stored_arrays(model).items()
    return part.models[0]


class TestCalibrated:
    @pytest.mark.parametrize(
        ("ensemble", "parts", "data", "classes", "calibrators"),
        [
            (True, 2, TUMOURS, 2, 1),
            (False, 1, TUMOURS, 2, 1),
            (True, 2, FLOWERS, 3, 3),
        ],
    )
    def test_by_sigmoids(self, ensemble, parts, data, classes, calibrators):
        X, y = data
        model = CalibratedClassifierCV(REGRESSION, cv=2, ensemble=ensemble).fit(X, y)
        stored = stored_arrays(model)
        slopes, offsets = stored["slope"].array, stored["offset"].array
        chances = np.zeros((len(X), classes))
        for i, part in enumerate(stored["estimators"].models):
            margins = part.decision_function(X).reshape(len(X), -1)
            mine = slice(i * calibrators, (i + 1) * calibrators)
            proba = expit(-(np.array(slopes[mine]) * margins + np.array(offsets[mine])))
            proba = np.hstack([1 - proba, proba]) if calibrators == 1 else proba
            chances += proba / proba.sum(axis=1, keepdims=True) / parts
        np.testing.assert_allclose(model.predict_proba(X), chances)
        width = X.shape[1]
        of_a_part = calibrators * (width + 1) + 2 * calibrators
        assert count_parameters(model).total == parts * of_a_part
        assert count_operations(model) == parts * calibrators * (width + 1)

    def test_by_isotonic_regressions(self):
        X, y = TUMOURS
        model = CalibratedClassifierCV(REGRESSION, method="isotonic", cv=2).fit(X, y)
        stored = stored_arrays(model)
        calibrators = stored["calibrators"].models
        chances = np.mean(
            [
                np.interp(
                    part.decision_function(X), *stored_arrays(calibrator).values()
                )  # the thresholds and the values
                for part, calibrator in zip(stored["estimators"].models, calibrators, strict=True)
            ],
            axis=0,
        )
        np.testing.assert_allclose(model.predict_proba(X)[:, 1], chances, atol=1e-6)
        thresholds = sum(len(calibrator.X_thresholds_) for calibrator in calibrators)
        assert count_parameters(model).total == 2 * (5 + 1) + 2 * thresholds
        assert count_operations(model) == 2 * (5 + 1)

    def test_by_a_temperature(self):
        X, y = FLOWERS
        model = CalibratedClassifierCV(REGRESSION, method="temperature", cv=2).fit(X, y)
        stored = stored_arrays(model)
        pairs = zip(stored["beta"], stored["estimators"].models, strict=True)
        chances = [softmax(beta * part.decision_function(X), axis=1) for beta, part in pairs]
        np.testing.assert_allclose(model.predict_proba(X), np.mean(chances, axis=0))
        assert count_parameters(model).total == 2 * (3 * (4 + 1) + 1)
        assert count_operations(model) == 2 * (3 * 4 + 3)

    def test_of_a_frozen_model(self):
        X, y = TUMOURS
        frozen = FrozenEstimator(REGRESSION.fit(X, y))
        model = CalibratedClassifierCV(frozen).fit(X, y)
        assert count_parameters(model).total == (5 + 1) + 2


def test_a_tuned_threshold_is_stored():
    X, y = TUMOURS
    model = TunedThresholdClassifierCV(REGRESSION, cv=2, scoring="f1").fit(X, y)
    stored = stored_arrays(model)
    [part] = stored["estimator"].models
    expected = part.predict_proba(X)[:, 1] >= stored["threshold"]
    np.testing.assert_array_equal(model.predict(X), expected)
    assert count_parameters(model).total == (5 + 1) + 1
    assert count_operations(model) == 5


@pytest.mark.parametrize("wrap", [lambda model: model, FrozenEstimator])
def test_a_fixed_threshold_is_a_setting(wrap):
    X, y = TUMOURS
    fitted = LogisticRegression(max_iter=2000).fit(X, y)
    model = FixedThresholdClassifier(wrap(fitted), threshold=0.8).fit(X, y)
    expected = member(model).predict_proba(X)[:, 1] >= 0.8
    np.testing.assert_array_equal(model.predict(X), expected)
    assert count_parameters(model).total == 5 + 1
    assert count_operations(model) == 5


def test_frozen():
    X, y = FLOWERS
    model = FrozenEstimator(REGRESSION.fit(X, y))
    np.testing.assert_array_equal(model.predict(X), member(model).predict(X))
    assert count_parameters(model).total == 3 * (4 + 1)
    assert count_operations(model) == 3 * 4


def test_frozen_before_the_last_step():
    X, y = FLOWERS
    frozen = FrozenEstimator(RFE(REGRESSION, n_features_to_select=2).fit(X, y))
    model = make_pipeline(frozen, LogisticRegression()).fit(X, y)
    assert count_parameters(model).total == 2 + 3 * (2 + 1)
    assert count_operations(model) == 3 * 2


def test_self_training():
    X, y = FLOWERS
    model = SelfTrainingClassifier(REGRESSION).fit(X, np.where(np.arange(150) % 3, y, -1))
    np.testing.assert_array_equal(model.predict(X), member(model).predict(X))
    assert count_parameters(model).total == 3 * (4 + 1)
    assert count_operations(model) == 3 * 4


def test_ransac():
    X, y = load_diabetes(return_X_y=True)
    model = RANSACRegressor(Ridge(), min_samples=50, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), member(model).predict(X))
    assert count_parameters(model).total == 10 + 1
    assert count_operations(model) == 10


@pytest.mark.parametrize(
    "kind", [GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV]
)
def test_search(kind):
    X, y = load_diabetes(return_X_y=True)
    draws = {
        RandomizedSearchCV: {"n_iter": 2, "random_state": 0},
        HalvingRandomSearchCV: {"n_candidates": 2, "random_state": 0},
    }
    tree = DecisionTreeRegressor(random_state=0)
    model = kind(tree, {"max_leaf_nodes": [2, 5]}, cv=2, **draws.get(kind, {})).fit(X, y)
    best = member(model)
    np.testing.assert_allclose(model.predict(X), best.predict(X))
    leaves = model.best_params_["max_leaf_nodes"]
    assert count_parameters(model).total == 2 * (leaves - 1) + leaves
    depth = best.decision_path(X).sum(axis=1).mean() - 1
    assert count_operations(model) == pytest.approx(depth)


def test_a_search_that_fits_nothing_again_is_refused():
    X, y = FLOWERS
    model = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=2, refit=False)
    with pytest.raises(NotFittedError, match="GridSearchCV instance is not fitted yet"):
        count_parameters(model.fit(X, y))


def test_a_search_before_the_last_step():
    X, y = FLOWERS
    search = GridSearchCV(RFE(REGRESSION), {"n_features_to_select": [2]}, cv=2)
    model = make_pipeline(search, LogisticRegression()).fit(X, y)
    assert count_parameters(model).total == 2 + 3 * (2 + 1)
    assert count_operations(model) == 3 * 2
