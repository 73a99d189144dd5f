"""Nearest neighbours: those of the largest number begin with those of fewer, where none tie.

One search serves all submodels. It can differ from a search for fewer only where distances tie,
since which of the tied rows are found, and in which order, depends on how many are sought. Rows
to predict whose neighbours tie are left to the submodels themselves.
"""

import copy
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.neighbors import (
    KDTree,
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
)
from sklearn.utils import _safe_indexing

from optistruct.submodels.nested import Method, SubmodelCost, Submodels
from optistruct.submodels.objections import several_targets
from optistruct.submodels.registry import nested_in

__all__ = ["NeighborsSubmodels"]

_Array = NDArray[Any]

_METRICS = {*KDTree.valid_metrics, "haversine", "mahalanobis", "seuclidean"}
"""Distances that keep the triangle inequality, as a ball tree needs to miss no neighbour."""

_ROUNDING = {"brute": 0.0, "kd_tree": 1e-9, "ball_tree": 1e-8}
"""Which share of a distance a search may be wrong by when it passes over a branch of its tree."""


@nested_in(KNeighborsClassifier, KNeighborsRegressor)
class NeighborsSubmodels(Submodels):
    """The models that ask fewer of the nearest neighbours; all of them store every row."""

    parameter = "n_neighbors"

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse classes of several targets at once; known once it is fitted."""
        return several_targets(structure)

    def span(self) -> tuple[int, int]:
        """Hold from one neighbour to all that are asked."""
        return 1, self.model.n_neighbors

    def all_values(self) -> Sequence[int]:
        """Count from one neighbour to all."""
        return range(1, self.model.n_neighbors + 1)

    def responses(self, X: Any, method: Method) -> Iterator[_Array]:
        """Search once, or twice where scikit-learn searches otherwise for few than for many."""
        getattr(self.model, method)
        for _, group in groupby(self.values, self._has_other_search):
            values = [*group]
            largest = self.materialize(values[-1])
            if _is_shared(largest):
                found = _Found(largest, X)
                yield from (found.answer(self.materialize(value), method) for value in values)
            else:
                yield from (getattr(self.materialize(value), method)(X) for value in values)

    def costs(self) -> list[SubmodelCost]:
        """Count the model once: the rows are stored and compared however few are asked."""
        return self.costs_alike()

    def materialize(self, value: int) -> Any:
        """Copy the model, which shares the stored rows, and the search that a refit would have."""
        smaller = copy.copy(self.model)
        smaller.n_neighbors = value
        if self._has_other_search(value):
            smaller._fit_method = self._search_of_few._fit_method
            smaller._tree = self._search_of_few._tree
        return smaller

    def _has_other_search(self, value: int) -> bool:
        """Tell whether a fit with so few neighbours may build a tree, and the model did not."""
        model = self.model
        half = model.n_samples_fit_ // 2
        searches_all = model.algorithm == "auto" and model._fit_method == "brute"
        return bool(searches_all and value < half <= model.n_neighbors)

    @cached_property
    def _search_of_few(self) -> Any:
        names = NearestNeighbors().get_params()
        settings = {name: getattr(self.model, name) for name in names if name != "radius"}
        return NearestNeighbors(**{**settings, "n_neighbors": 1}).fit(self.model._fit_X)


def _is_shared(model: Any) -> bool:
    """Tell whether the search for many finds what one for fewer does.

    Known distances are searched by each, as are those in which a ball tree may miss neighbours;
    weights of the user's own may look at all distances at once.
    """
    if callable(model.weights) or model.metric == "precomputed":
        return False
    return model._fit_method != "ball_tree" or model.effective_metric_ in _METRICS


class _Found:
    """What a search for the neighbours of a table's rows has found.

    Args:
        model: The model that asks most neighbours.
        X: (rows, features) table.
    """

    def __init__(self, model: Any, X: Any) -> None:
        self.table = X
        self.is_tree = model._fit_method != "brute"
        # One neighbour more tells whether the last one ties.
        most = model.n_neighbors + (model.n_neighbors < model.n_samples_fit_)
        self.distances, self.places = model.kneighbors(X, most)
        self.is_apart = self._gaps() > self._rounding(model)
        self.are_apart = np.logical_and.accumulate(self.is_apart, axis=1)

    def answer(self, model: Any, method: Method) -> _Array:
        """Predict with a model from the neighbours found, and where they tie by its own search.

        Args:
            model: A submodel.
            method: Which method of it predicts.
        """
        tied = self._ties(model)
        # Distances by matrix products are rounded otherwise among fewer rows, and so tie otherwise.
        if tied.all() or (tied.any() and not self.is_tree):
            alone: _Array = getattr(model, method)(self.table)
            return alone
        answer: _Array = getattr(self._told(model), method)(self.table)
        if tied.any():
            rows = np.flatnonzero(tied)
            answer[rows] = getattr(model, method)(_safe_indexing(self.table, rows))
        return answer

    def _gaps(self) -> _Array:
        with np.errstate(invalid="ignore"):  # between infinite distances, which tie
            return np.diff(self.distances, axis=1)

    def _rounding(self, model: Any) -> _Array:
        scale = self.distances[:, 1:]
        if model._fit_method == "ball_tree":
            *_, nodes, _ = model._tree.get_arrays()
            scale = scale + 2 * nodes["radius"][0]
        rounding: _Array = _ROUNDING[model._fit_method] * scale
        return rounding

    def _ties(self, model: Any) -> _Array:
        """Find the rows whose neighbours could be others, or in another order where it matters."""
        number = model.n_neighbors
        counts_votes = is_classifier(model) and model.weights in (None, "uniform")
        apart = (
            self.is_apart[:, number - 1 : number] if counts_votes else self.are_apart[:, :number]
        )
        tied: _Array = ~np.all(apart, axis=1)
        return tied

    def _told(self, model: Any) -> Any:
        """Copy a model that then takes the neighbours found for its own."""
        number = model.n_neighbors
        distances = np.ascontiguousarray(self.distances[:, :number])
        places = np.ascontiguousarray(self.places[:, :number])
        told = copy.copy(model)
        told._fit_method = "told"  # scikit-learn has votes by brute force that do not search first
        told.kneighbors = lambda X, return_distance=True: (
            (distances, places) if return_distance else places
        )
        return told
