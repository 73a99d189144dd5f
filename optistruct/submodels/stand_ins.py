"""Submodels as a scorer takes them: each answers for one table from the pass over all of them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if

from optistruct.submodels.nested import Method, Submodels

__all__ = ["Answers", "StandIn"]

_SHARED = ("classes_", "n_features_in_", "feature_names_in_", "__sklearn_tags__")


class Answers(Sequence["StandIn"]):
    """What submodels answer for one table, each method asked of all of them once.

    A sequence of stand-ins, one a submodel, each of which a scorer takes for a fitted model.

    Args:
        submodels: The submodels.
        X: (rows, features) table.
    """

    def __init__(self, submodels: Submodels, X: Any) -> None:
        self.submodels = submodels
        self.table = X
        self._answers: dict[Method, list[NDArray[Any]]] = {}

    @property
    def model(self) -> Any:
        """The model that the submodels are of."""
        return self.submodels.model

    def of(self, method: Method) -> list[NDArray[Any]]:
        """Hand out what each submodel answers.

        Raises:
            AttributeError: If the model has no such method.
        """
        if method not in self._answers:
            self._answers[method] = list(self.submodels.responses(self.table, method))
        return self._answers[method]

    def __getitem__(self, place: Any) -> Any:
        """Hand out a stand-in by its place, or several."""
        places = range(len(self))[place]
        if isinstance(places, range):
            return [StandIn(self, one) for one in places]
        return StandIn(self, places)

    def __len__(self) -> int:
        """Count the submodels."""
        return len(self.submodels)


def _has(method: Method) -> Callable[["StandIn"], bool]:
    return lambda stand_in: hasattr(stand_in.answers.model, method)


class StandIn:
    """A submodel that is not built as long as it is asked for answers to one table only.

    In all else it is the submodel built.

    Args:
        answers: What all submodels answer for the table.
        place: Which of them this is.
    """

    def __init__(self, answers: Answers, place: int) -> None:
        self.answers = answers
        self.place = place

    @available_if(_has("predict"))  # type: ignore[untyped-decorator]
    def predict(self, X: Any) -> Any:
        """Predict as the submodel does."""
        return self._answer("predict", X)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities as the submodel does."""
        return self._answer("predict_proba", X)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Decide as the submodel does."""
        return self._answer("decision_function", X)

    def __getattr__(self, name: str) -> Any:
        """Hand out an attribute of the submodel, which is built if it needs to be."""
        if name in _SHARED:
            return getattr(self.answers.model, name)
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._built, name)

    @cached_property
    def _built(self) -> Any:
        return self.answers.submodels[self.place].materialize()

    def _answer(self, method: Method, X: Any) -> Any:
        if X is self.answers.table:
            return self.answers.of(method)[self.place]
        return getattr(self._built, method)(X)
