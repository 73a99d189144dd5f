"""CatBoost: the first trees of a boosting are a fit of so many; imported when one comes.

CatBoost predicts so much faster than it fits that each submodel is asked by itself.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from catboost import CatBoost  # type: ignore[import-untyped,unused-ignore]
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from optistruct.resources import count_parameters
from optistruct.submodels.nested import Method, SubmodelCost
from optistruct.submodels.registry import nested_in
from optistruct.submodels.rounds import RoundsSubmodels
from optistruct.submodels.step_time import StepTime

__all__ = ["CatBoostSubmodels"]

_ITERATIONS = ("iterations", "n_estimators", "num_boost_round", "num_trees")
_LEARNING_RATE = ("learning_rate", "eta")
_EARLY_STOPPING = (
    "early_stopping_rounds",
    "eval_fraction",
    "od_pval",
    "od_type",
    "od_wait",
    "use_best_model",
)
_SHRINKING = (
    *("diffusion_temperature", "langevin", "model_shrink_rate"),
    *("monotone_constraints", "posterior_sampling"),
)
_SYMMETRIC = "SymmetricTree"
_MANY = 200  # trees from which two defaults of CatBoost's are others (its options_helper.cpp)
_OF_MORE_STEPS = ("CrossEntropy", "Expectile", "Logloss", "Poisson")


@nested_in(CatBoost)
class CatBoostSubmodels(RoundsSubmodels):
    """The first trees of a CatBoost model."""

    step_time = StepTime(6e-4, 2e-8, is_per_output=True)

    def __init__(self, model: Any, values: Sequence[Any] | None = None) -> None:
        if not model.is_fitted():
            raise NotFittedError(f"This {type(model).__name__} instance is not fitted yet.")
        super().__init__(model, values)

    @classmethod
    def parameter_of(cls, structure: Any) -> str:
        """Name the parameter by that of its names which the model was given."""
        given = structure.get_params()
        return next((name for name in _ITERATIONS if name in given), _ITERATIONS[0])

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what depends on the number of trees to come, and early stopping."""
        kind = type(structure).__name__
        given = {name: value for name, value in structure.get_params().items() if value is not None}
        if not given.keys() & {*_ITERATIONS}:
            return f"the number of trees of this {kind} is CatBoost's default: set iterations"
        if not given.keys() & {*_LEARNING_RATE}:
            return (
                f"CatBoost may choose the learning rate of this {kind} by the number of trees, so "
                "its first trees need not be a fit of fewer: set learning_rate"
            )
        for name in _EARLY_STOPPING:
            if given.get(name):
                return (
                    f"with {name}={given[name]!r} the number of trees may be chosen by validation "
                    f"data, not by {cls.parameter_of(structure)}: leave {name} out"
                )
        if given.get("grow_policy", _SYMMETRIC) != _SYMMETRIC:
            return (
                f"CatBoost cannot cut a {kind} of grow_policy={given['grow_policy']!r}: set "
                f"grow_policy={_SYMMETRIC!r}"
            )
        if str(given.get("task_type", "CPU")).upper() != "CPU":
            return (
                f"whether the first trees of a {kind} that was fitted on a GPU are those of fewer "
                "is not known: set task_type='CPU'"
            )
        for name in _SHRINKING:
            if given.get(name):
                return (
                    f"with {name}={given[name]!r} CatBoost shrinks the first trees in every round, "
                    f"so they are not the model of fewer: leave {name} out"
                )
        return cls._objection_to_fit(structure) if structure.is_fitted() else None

    @classmethod
    def _objection_to_fit(cls, model: Any) -> str | None:
        kind, parameter = type(model).__name__, cls.parameter_of(model)
        if model.get_params()[parameter] >= _MANY:
            for setting in _by_the_number_of_trees(model):
                if model.get_params().get(setting) is None:
                    return (
                        f"CatBoost's default of {setting} is another for {_MANY} trees and more, "
                        f"so the first trees of this {kind} need not be a fit of fewer: set "
                        f"{setting}"
                    )
        if model.best_iteration_ is not None:
            return (
                f"the number of trees of this {kind} may have been chosen by validation data, not "
                f"by {parameter}: fit it without eval_set"
            )
        if model.tree_count_ > model.get_params()[parameter]:
            return (
                f"this {kind} has {model.tree_count_} trees, {parameter} is "
                f"{model.get_params()[parameter]}: it goes on from another model; fit it without "
                "init_model"
            )
        return None

    def rounds(self) -> int:
        """Count the trees there are."""
        return int(self.model.tree_count_)

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Predict with the first trees."""
        predict = getattr(self.model, method)
        threads = self.model.get_params().get("thread_count", -1)
        for value in self.values:
            trees = min(value, self.model.tree_count_)
            yield predict(X, ntree_end=trees, thread_count=threads)

    def costs(self) -> list[SubmodelCost]:
        """Add the costs of the trees to what is left of the model's without its trees."""
        total = count_parameters(self.model).total
        leaves = self.model.get_tree_leaf_counts()
        outputs = len(self.model.get_leaf_values()) // int(leaves.sum())
        depths = np.log2(leaves).astype(int)
        parameters, operations = np.cumsum(2 * depths + outputs * leaves), np.cumsum(depths)
        further = total - int(parameters[-1])
        return [
            SubmodelCost(int(parameters[i]) + further, float(operations[i]))
            for i in np.minimum(self.values, len(leaves)) - 1
        ]

    def materialize(self, value: int) -> Any:
        """Copy the model with its first trees only, and what the fit told of those."""
        smaller = self.model.copy()
        smaller.shrink(min(value, self.model.tree_count_))
        _cut_metadata(smaller.get_metadata(), value)
        given = {**smaller.get_params(), self.parameter: value}
        complete = type(smaller)()
        complete.__setstate__({**given, "__model": smaller._serialize_model()})
        if smaller.feature_importances_.ndim:  # is an array of None where it was not told
            complete.get_feature_importance(type="PredictionValuesChange")
        return complete


def _cut_metadata(metadata: Any, value: int) -> None:
    """Change what a model says of its fit to what a fit of fewer trees says."""
    parameters, training = json.loads(metadata["params"]), json.loads(metadata["training"])
    parameters["boosting_options"]["iterations"] = int(value)
    metrics = training["metrics"]
    for name in ("learn_metrics_history", "test_metrics_history"):
        metrics[name] = metrics[name][:value]
    metrics["learn_best_error"] = {}
    metadata["params"] = json.dumps(parameters, separators=(",", ":"))
    metadata["training"] = json.dumps(training, separators=(",", ":"))


def _by_the_number_of_trees(model: Any) -> Iterator[str]:
    """List the settings whose defaults depend on the number of trees, for a fitted model."""
    loss = str(model.get_all_params().get("loss_function"))
    if loss.partition(":")[0] in _OF_MORE_STEPS:
        yield "leaf_estimation_iterations"
    if model.get_cat_feature_indices():
        yield "max_ctr_complexity"
