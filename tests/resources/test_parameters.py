"""Counting itself: the record, registering a type, and what has no definition.

The definitions are proved family by family in `families/`.
"""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct.exceptions import ResourceError
from optistruct.resources import (
    Members,
    ParameterCount,
    Scalars,
    Weights,
    count_parameters,
    stored_arrays,
)


class Centres(ClassifierMixin, BaseEstimator):
    """A classifier that nobody registered."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        self.centres_ = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        self.n_seen_ = len(y)
        self.note_ = "text is no number"
        self.is_done_ = True
        return self

    def predict(self, X: Any) -> Any:
        distances = ((X[:, None] - self.centres_) ** 2).sum(axis=2)
        return self.classes_[distances.argmin(axis=1)]


def test_tells_the_parts_and_what_is_zero(regression: Any) -> None:
    X, y = regression
    model = Ridge().fit(X, y)
    model.coef_[1] = 0.0
    assert count_parameters(model) == ParameterCount(
        total=5, effective=4, exact=True, by_part={"coef": 4, "intercept": 1}
    )


def test_names_the_parts_of_members_after_them(binary: Any) -> None:
    X, y = binary
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    parts = count_parameters(model).by_part
    assert {name.rpartition(".")[2]: size for name, size in parts.items()} == {
        "mean": 4,
        "scale": 4,
        "coef": 4,
        "intercept": 1,
    }
    assert sum(parts.values()) == 13


def test_a_type_is_registered_in_one_line(binary: Any) -> None:
    class Registered(Centres):
        pass

    stored_arrays.register(Registered, lambda model: {"centres": Weights(model.centres_)})
    model = Registered().fit(*binary)
    model.centres_[0, 0] = 0.0
    assert count_parameters(model) == ParameterCount(8, 7, True, {"centres": 8})
    vote = VotingClassifier([("a", model), ("b", model)]).fit(*binary)
    assert count_parameters(vote).total == 16


def test_the_error_shows_the_line(binary: Any) -> None:
    with pytest.raises(
        ResourceError,
        match=r"Centres cannot be counted.*stored_arrays\.register\(Centres, lambda model: "
        r"\{.*\}\).*exact=False",
    ):
        count_parameters(Centres().fit(*binary))


def test_a_member_without_a_definition_is_refused_too(binary: Any) -> None:
    with pytest.raises(ResourceError, match="Centres cannot be counted"):
        count_parameters(make_pipeline(StandardScaler(), Centres()).fit(*binary))


def test_the_fitted_arrays_are_added_up_where_asked_to(binary: Any) -> None:
    X, y = binary
    count = count_parameters(Centres().fit(X, y), exact=False)
    assert not count.exact
    assert count.by_part == {"classes_": 2, "centres_": 8, "n_seen_": 1}
    assert count.total == count.effective == 11


def test_one_member_that_is_not_exact_makes_the_whole_not_exact(binary: Any) -> None:
    model = make_pipeline(StandardScaler(), Centres()).fit(*binary)
    count = count_parameters(model, exact=False)
    assert not count.exact
    assert count.total == 8 + 11


def test_members_of_an_unknown_type_are_counted_by_their_definitions(binary: Any) -> None:
    class Pair(Centres):
        def fit(self, X: Any, y: Any) -> Any:
            self.trees_ = [DecisionTreeClassifier(max_depth=1).fit(X, y) for _ in range(2)]
            return self

    count = count_parameters(Pair().fit(*binary), exact=False)
    assert not count.exact
    assert count.total == 2 * (2 + 2 * 2)


def test_counts_what_a_sparse_array_stores() -> None:
    class Sparse:
        matrix = sparse.csr_array(np.array([[0.0, 2.0], [3.0, 0.0]]))

    stored_arrays.register(Sparse, lambda model: {"matrix": Weights(model.matrix)})
    assert count_parameters(Sparse()).total == 2


def test_nothing_is_stored_as_none_and_a_number_is_one_scalar() -> None:
    class Sized:
        pass

    stored_arrays.register(
        Sized, lambda model: {"a": None, "b": Scalars(7), "c": Members([]), "d": 12}
    )
    assert count_parameters(Sized()) == ParameterCount(8, 8, True, {"b": 7, "d": 1})


def test_refuses_a_model_that_is_not_fitted() -> None:
    with pytest.raises(NotFittedError, match="Ridge instance is not fitted yet"):
        count_parameters(Ridge())
