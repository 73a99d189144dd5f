"""Ensembles of models of any kind.

| models | stored | operations a row |
|---|---|---|
| bagging | the members; if they see drawn columns, also the columns' indices | the members' |
| AdaBoost | the members, and a weight for each | the members', and 1 each |
| vote | the members | the members' |
| stack | the members and the final estimator | the same |

The weights of a vote are settings. A stack that only transforms stores no final estimator.
"""

from typing import Any

import numpy as np
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

from optistruct.resources.families.members import (
    arrays_to_transform,
    operations_to_transform,
    sum_of_members,
    sum_of_transforming_members,
)
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, Weights, stored_arrays

_AdaBoost = AdaBoostClassifier | AdaBoostRegressor
_Bagging = BaggingClassifier | BaggingRegressor
_Stacking = StackingClassifier | StackingRegressor
_Voting = VotingClassifier | VotingRegressor


@arrays_to_transform.register(_Stacking)
@stored_arrays.register(_Voting)
def _members(model: Any) -> Stored:
    return {"estimators": Members(model.estimators_)}


@stored_arrays.register(_Bagging)
def _bagging(model: Any) -> Stored:
    drawn = np.array(model.estimators_features_)
    everything = np.arange(model.n_features_in_)
    sees_all = all(np.array_equal(columns, everything) for columns in drawn)
    return {**_members(model), "features": None if sees_all else drawn}


@stored_arrays.register(_AdaBoost)
def _adaboost(model: Any) -> Stored:
    weights = model.estimator_weights_[: len(model.estimators_)]  # it may have stopped early
    return {**_members(model), "weights": Weights(weights)}


@operations_per_row.register(_AdaBoost)
def _adaboost_operations(model: Any) -> float:
    return sum_of_members(model) + len(model.estimators_)


@stored_arrays.register(_Stacking)
def _stacking(model: Any) -> Stored:
    return {**_members(model), "final_estimator": Members([model.final_estimator_])}


operations_per_row.register(_Bagging | _Stacking | _Voting, sum_of_members)
operations_to_transform.register(_Stacking, sum_of_transforming_members)
