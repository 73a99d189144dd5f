"""Multi-layer perceptrons: what they were after fewer epochs, where that was kept.

An epoch depends on those before it only, and none knows how many will follow; so a perceptron
after some epochs is the one of a fit with that `max_iter`. With early stopping it has the best
weights of these epochs. Fitted with `keep_epochs`, see there.
"""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from sklearn.neural_network import MLPClassifier, MLPRegressor

from optistruct.exceptions import ArgumentError
from optistruct.submodels.epochs import keep_epochs, kept_epochs
from optistruct.submodels.nested import SubmodelCost, Submodels
from optistruct.submodels.objections import warm_start
from optistruct.submodels.registry import nested_in
from optistruct.submodels.step_time import StepTime

__all__ = ["PerceptronSubmodels"]


@nested_in(MLPClassifier, MLPRegressor)
class PerceptronSubmodels(Submodels):
    """The perceptrons after the epochs that were kept; all of them have as many weights.

    Where training ended by itself, every `max_iter` from there to the model's own stands for the
    whole model. So a value is held by the fits of all folds, or by none.
    """

    parameter = "max_iter"
    step_time = StepTime(3e-4, 5e-8)

    def __init__(self, model: Any, values: Sequence[Any] | None = None) -> None:
        self._states = {
            epoch: state
            for epoch, state in (kept_epochs(model) or {}).items()
            if epoch < model.n_iter_
        }
        super().__init__(model, values)
        for value in self.values:
            if value not in self._states and value < model.n_iter_:
                kept = ", ".join(map(str, sorted(self._states)))
                raise ArgumentError(
                    f"the fitted {type(model).__name__} holds submodels of max_iter {kept}, and "
                    f"from {model.n_iter_} on, got {value!r}: name it to keep_epochs"
                )

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what has no epochs, or did not keep any; the latter is known once it is fitted."""
        kind = type(structure).__name__
        if structure.solver == "lbfgs":
            return (
                f"a {kind} with solver='lbfgs' is not trained in epochs: set solver='adam' or 'sgd'"
            )
        if hasattr(structure, "coefs_") and kept_epochs(structure) is None:
            return (
                f"a fitted {kind} does not know what it was after fewer epochs: fit it within "
                "`with optistruct.submodels.keep_epochs(model, epochs):`, in this process, to its "
                "end"
            )
        return warm_start(structure)

    @classmethod
    def keeping(cls, model: Any, values: Sequence[int]) -> AbstractContextManager[None]:
        """Keep these epochs."""
        return keep_epochs(model, values)

    def span(self) -> tuple[int, int]:
        """Hold from the first epoch that was kept to as many as there could have been."""
        return min([*self._states, self.model.n_iter_]), self.model.max_iter

    def all_values(self) -> Sequence[int]:
        """List the epochs that were kept; the last value is the model's own."""
        return *sorted(self._states), self.model.max_iter

    def costs(self) -> list[SubmodelCost]:
        """Count the model once."""
        return self.costs_alike()

    def materialize(self, value: int) -> Any:
        """Copy the perceptron with what it was after so many epochs."""
        smaller = copy.copy(self.model)
        state = self._states.get(value, vars(self.model))
        vars(smaller).update(copy.deepcopy(state))  # partial_fit changes weights in place
        smaller.max_iter = value
        return smaller
