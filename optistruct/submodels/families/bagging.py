"""Bagging: the first members are the bagging of fewer, whatever model they are.

The members' seeds are drawn in a row before any is fitted, and all that is random in a member (its
rows, its columns, its own seed) follows from its seed; so the first ones are those of a fit with
fewer. The members' answers are summed in their order, as bagging does on one thread; with
`n_jobs` above 1 it sums in parts, and the last bit may differ.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.utils.validation import validate_data

from optistruct.submodels.member_costs import MemberCosts, member_costs
from optistruct.submodels.nested import Method
from optistruct.submodels.objections import warm_start
from optistruct.submodels.prefixes import PrefixSubmodels
from optistruct.submodels.registry import nested_in
from optistruct.submodels.step_time import StepTime

__all__ = ["BaggingSubmodels"]


@nested_in(BaggingClassifier, BaggingRegressor)
class BaggingSubmodels(PrefixSubmodels):
    """The baggings of a bagging's first members."""

    step_time = StepTime(1e-3, 2e-7)

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what may be made of several fits."""
        return warm_start(structure)

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Sum the members' answers, each to its own columns, and divide at each submodel."""
        getattr(self.model, method)
        table = validate_data(
            self.model,
            X,
            accept_sparse=["csr", "csc"],
            dtype=None,
            ensure_all_finite=False,
            reset=False,
        )
        takes_labels = method == "predict" and is_classifier(self.model)
        members = zip(self.model.estimators_, self.model.estimators_features_, strict=True)
        answers = (self._answer(member, table[:, own], method) for member, own in members)
        for count, total in self.running_sums(answers):
            mean = total / count
            yield self.model.classes_.take(mean.argmax(axis=1)) if takes_labels else mean

    def _answer(self, member: Any, table: Any, method: Method) -> NDArray[Any]:
        """Let a member say what its ensemble sums up."""
        if method == "decision_function" or not is_classifier(self.model):
            answer: NDArray[Any] = getattr(member, method)(table)
            return answer
        rows = table.shape[0]
        chances = np.zeros((rows, self.model.n_classes_))
        if hasattr(member, "predict_proba"):
            chances[:, member.classes_] = member.predict_proba(table)
        else:
            chances[np.arange(rows), member.predict(table)] = 1
        return chances

    def added_costs(self) -> MemberCosts:
        """Count the members, and the indices of their columns unless all before see all."""
        parameters, operations = member_costs(self.model.estimators_)
        drawn = np.array(self.model.estimators_features_)
        everything = np.arange(self.model.n_features_in_)
        sees_all = [np.array_equal(columns, everything) for columns in drawn]
        stored = np.where(
            np.logical_and.accumulate(sees_all), 0, np.cumsum([len(columns) for columns in drawn])
        )
        return MemberCosts(parameters + np.diff(stored, prepend=0), operations)

    def materialize(self, value: int) -> Any:
        """Copy the bagging with its first members only, and without what was told out of bag."""
        smaller = super().materialize(value)
        smaller.estimators_features_ = self.model.estimators_features_[:value]
        smaller._seeds = self.model._seeds[:value].copy()
        return smaller
