"""AdaBoost: the first members are the boosting of fewer.

A member depends on those before it only. Boosting ends early when a member makes no error, or too
many; a fit that may have more members than there are then gives the same ones.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor

from optistruct.submodels.member_costs import MemberCosts, member_costs
from optistruct.submodels.nested import Method
from optistruct.submodels.prefixes import PrefixSubmodels
from optistruct.submodels.registry import nested_in
from optistruct.submodels.rounds import RoundsSubmodels
from optistruct.submodels.step_time import StepTime

__all__ = ["AdaBoostSubmodels"]


@nested_in(AdaBoostClassifier, AdaBoostRegressor)
class AdaBoostSubmodels(RoundsSubmodels, PrefixSubmodels):
    """The boostings of a boosting's first members."""

    step_time = StepTime(1e-3, 5e-8)

    def rounds(self) -> int:
        """Count the members there are."""
        return len(self.model.estimators_)

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Ask each member once."""
        whole = getattr(self.model, method)
        if not is_classifier(self.model):
            yield from self._medians(X)
        elif self.model.n_classes_ == 1:
            for _ in self.values:
                yield whole(X)
        else:
            for decision in self._decisions(X):
                yield self._answer(decision, method)

    def _medians(self, X: Any) -> Iterator[NDArray[Any]]:
        """Let the estimator itself take the weighted medians of what the members answered."""
        table = self.model._check_X(X)
        told = [
            _Told(member.predict(table)) for member in self.model.estimators_[: max(self.values)]
        ]
        for value in self.values:
            smaller = self.materialize(value)
            smaller.estimators_ = told[:value]
            yield smaller.predict(X)

    def _decisions(self, X: Any) -> Iterator[NDArray[Any]]:
        """Sum the weighted votes; the weights' sum is numpy's, whose order depends on how many."""
        table = self.model._check_X(X)
        others = self.model.n_classes_ - 1
        classes = self.model.classes_[:, np.newaxis]
        weights = self.model.estimator_weights_
        votes = (
            np.where((member.predict(table) == classes).T, weight, -1 / others * weight)
            for member, weight in zip(self.model.estimators_, weights, strict=False)
        )
        for value, total in self.running_sums(votes):
            decision = total / weights[:value].sum()
            if others == 1:
                decision[:, 0] *= -1
                decision = decision.sum(axis=1)
            yield decision

    def _answer(self, decision: NDArray[Any], method: Method) -> NDArray[Any]:
        if method == "decision_function":
            return decision
        if method == "predict_proba":
            classes = self.model.n_classes_
            chances: NDArray[Any] = self.model._compute_proba_from_decision(decision, classes)
            return chances
        chosen = decision > 0 if decision.ndim == 1 else decision.argmax(axis=1)
        labels: NDArray[Any] = self.model.classes_.take(chosen)
        return labels

    def added_costs(self) -> MemberCosts:
        """Count the members, and a weight for each."""
        parameters, operations = member_costs(self.model.estimators_)
        return MemberCosts(parameters + 1, operations + 1)

    def materialize(self, value: int) -> Any:
        """Copy the boosting with its first members and their weights only."""
        smaller = super().materialize(value)
        smaller.estimator_weights_ = self.model.estimator_weights_[:value].copy()
        smaller.estimator_errors_ = self.model.estimator_errors_[:value].copy()
        return smaller


class _Told:
    """A member that has answered already."""

    def __init__(self, answer: NDArray[Any]) -> None:
        self._answer = answer

    def predict(self, X: Any) -> NDArray[Any]:
        """Answer as before."""
        return self._answer
