"""Baselines that look at no feature, and regression along one.

| models | stored | operations a row |
|---|---|---|
| `DummyRegressor` | a number a target; none where it is a hyperparameter | 0 |
| `DummyClassifier`, the most frequent class | that class, for each output | 0 |
| ... drawn by frequency (`"stratified"`) | K probabilities, for each output | 0 |
| ... drawn evenly, or a hyperparameter | nothing | 0 |
| isotonic regression | 2 a threshold | 1, between two thresholds |
"""

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays


@stored_arrays.register(DummyRegressor)
def _dummy_regressor(model: Any) -> Stored:
    return {"constant": Weights(model.constant_) if model.strategy != "constant" else None}


@stored_arrays.register(DummyClassifier)
def _dummy_classifier(model: Any) -> Stored:
    if model.strategy in ("constant", "uniform"):
        return {}
    priors = [model.class_prior_] if model.n_outputs_ == 1 else model.class_prior_
    if model.strategy == "stratified":
        return {"priors": np.concatenate(priors)}
    return {"most_frequent": np.array([prior.argmax() for prior in priors])}


@operations_per_row.register(DummyClassifier | DummyRegressor)
def _dummy_operations(model: Any) -> float:
    return 0.0


@stored_arrays.register(IsotonicRegression)
def _isotonic(model: Any) -> Stored:
    return {"thresholds": model.X_thresholds_, "values": model.y_thresholds_}


@operations_per_row.register(IsotonicRegression)
def _isotonic_operations(model: Any) -> float:
    return 1.0
