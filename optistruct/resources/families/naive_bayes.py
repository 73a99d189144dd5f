"""Naive Bayes: what each feature says about each class, by itself.

| models | stored | operations a row |
|---|---|---|
| Gaussian | a mean and a variance a class and feature, K priors: 2Kd + K | 2Kd |
| multinomial, Bernoulli | a log probability a class and feature, K priors: Kd + K | Kd |
| complement | a weight a class and feature: Kd (its `predict` reads no prior) | Kd |
| categorical | a log probability a class and category of each feature, K priors | Kd |
"""

from typing import Any

import numpy as np
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays


@stored_arrays.register(GaussianNB)
def _gaussian(model: Any) -> Stored:
    return {"mean": model.theta_, "variance": model.var_, "prior": model.class_prior_}


@operations_per_row.register(GaussianNB)
def _gaussian_operations(model: Any) -> float:
    return float(model.theta_.size + model.var_.size)


@stored_arrays.register(MultinomialNB)
def _multinomial(model: Any) -> Stored:
    return {
        "log_probability": Weights(model.feature_log_prob_),
        "log_prior": Weights(model.class_log_prior_),
    }


@stored_arrays.register(BernoulliNB)
def _bernoulli(model: Any) -> Stored:
    return {
        # not Weights: a log probability of zero makes a feature's absence impossible
        "log_probability": model.feature_log_prob_,
        "log_prior": Weights(model.class_log_prior_),
    }


@stored_arrays.register(ComplementNB)
def _complement(model: Any) -> Stored:
    return {"weight": Weights(model.feature_log_prob_)}


@operations_per_row.register(BernoulliNB | ComplementNB | MultinomialNB)
def _discrete_operations(model: Any) -> float:
    return float(model.feature_log_prob_.size)


@stored_arrays.register(CategoricalNB)
def _categorical(model: Any) -> Stored:
    return {
        "log_probability": Weights(np.concatenate(model.feature_log_prob_, axis=1)),
        "log_prior": Weights(model.class_log_prior_),
    }


@operations_per_row.register(CategoricalNB)
def _categorical_operations(model: Any) -> float:
    return float(model.class_log_prior_.size * model.n_features_in_)
