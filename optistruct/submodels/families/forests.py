"""Random forests and extra trees: the first trees of a forest are the forest of fewer.

The trees' seeds are drawn in a row before any is grown, so that the first ones are those of a fit
with fewer. A forest sums its trees' answers in their order, on one thread; so do the submodels.
"""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from optistruct.submodels.member_costs import MemberCosts, forest_costs
from optistruct.submodels.nested import Method
from optistruct.submodels.objections import several_targets, warm_start
from optistruct.submodels.prefixes import PrefixSubmodels
from optistruct.submodels.registry import nested_in
from optistruct.submodels.step_time import StepTime

__all__ = ["ForestSubmodels"]


@nested_in(ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor)
class ForestSubmodels(PrefixSubmodels):
    """The forests of a forest's first trees."""

    step_time = StepTime(1e-3, 3e-8)

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what may be made of several fits, and several targets at once."""
        return warm_start(structure) or several_targets(structure)

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Sum the trees' answers, and divide at each submodel."""
        getattr(self.model, method)
        table = self.model._validate_X_predict(X)
        answer = "predict_proba" if is_classifier(self.model) else "predict"
        takes_labels = method == "predict" and is_classifier(self.model)
        trees = self.model.estimators_
        answers = (getattr(tree, answer)(table, check_input=False) for tree in trees)
        for count, total in self.running_sums(answers):
            mean = total / count
            yield self.model.classes_.take(mean.argmax(axis=1)) if takes_labels else mean

    def added_costs(self) -> MemberCosts:
        """Read the trees; which directions are stored is a matter of all the trees so far."""
        return forest_costs([tree.tree_ for tree in self.model.estimators_])
