"""Models around one model: calibration, thresholds, robust fits, searches.

| models | stored | operations a row |
|---|---|---|
| calibrated classifier | the members, and the calibrators of each | the members' and calibrators' |
| tuned threshold | the classifier and the threshold | the classifier's |
| fixed threshold | the classifier | the classifier's |
| frozen, self-training, RANSAC | the model | the model's |
| search of parameters | the best estimator, fitted again | the best estimator's |

A sigmoid stores 2 and computes 1 for each class (1 for both of two); a temperature stores 1 and
computes 1 for each class; an isotonic regression is counted as the model that it is.
"""

from itertools import chain
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RANSACRegressor
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.validation import check_is_fitted

from optistruct.resources.families.members import (
    arrays_to_transform,
    as_transformer,
    operations_to_transform,
    sum_of_members,
    sum_of_transforming_members,
)
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, Weights, stored_arrays

_Fitted = RANSACRegressor | SelfTrainingClassifier
_Search = GridSearchCV | HalvingGridSearchCV | HalvingRandomSearchCV | RandomizedSearchCV


@stored_arrays.register(CalibratedClassifierCV)
def _calibrated(model: Any) -> Stored:
    calibrators = _calibrators(model)
    stored = {"estimators": Members([part.estimator for part in model.calibrated_classifiers_])}
    if model.method == "isotonic":
        return {**stored, "calibrators": Members(calibrators)}
    if model.method == "temperature":
        return {**stored, "beta": [calibrator.beta_ for calibrator in calibrators]}
    return {
        **stored,
        "slope": Weights([calibrator.a_ for calibrator in calibrators]),
        "offset": Weights([calibrator.b_ for calibrator in calibrators]),
    }


@operations_per_row.register(CalibratedClassifierCV)
def _calibrated_operations(model: Any) -> float:
    if model.method == "isotonic":
        return sum_of_members(model)
    outputs = len(model.classes_) if model.method == "temperature" else 1
    return sum_of_members(model) + outputs * len(_calibrators(model))


def _calibrators(model: Any) -> list[Any]:
    return [*chain.from_iterable(part.calibrators for part in model.calibrated_classifiers_)]


@stored_arrays.register(TunedThresholdClassifierCV)
def _tuned_threshold(model: Any) -> Stored:
    return {**_fitted(model), "threshold": model.best_threshold_}


@stored_arrays.register(FixedThresholdClassifier)
@stored_arrays.register(_Fitted)
def _fitted(model: Any) -> Stored:
    return {"estimator": Members([getattr(model, "estimator_", model.estimator)])}


@stored_arrays.register(FrozenEstimator)
def _frozen(model: Any) -> Stored:
    return {"estimator": Members([model.estimator])}


@arrays_to_transform.register(FrozenEstimator)
def _transforming_frozen(model: Any) -> Stored:
    return {"estimator": Members([as_transformer(model.estimator)])}


@stored_arrays.register(_Search)
def _search(model: Any) -> Stored:
    check_is_fitted(model, "best_estimator_")  # without refit=True it has none
    return {"best_estimator": Members([model.best_estimator_])}


@arrays_to_transform.register(_Search)
def _transforming_search(model: Any) -> Stored:
    return {"best_estimator": Members([as_transformer(model.best_estimator_)])}


operations_per_row.register(_Fitted | _Search | FrozenEstimator, sum_of_members)
operations_per_row.register(FixedThresholdClassifier | TunedThresholdClassifierCV, sum_of_members)
operations_to_transform.register(_Search | FrozenEstimator, sum_of_transforming_members)
