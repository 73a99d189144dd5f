"""Neighbours among more neighbours: ties, every kind of search, and what is shared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

from optistruct.exceptions import SubmodelError
from optistruct.submodels import submodel_parameter, submodels_of
from optistruct.submodels.families.neighbors import NeighborsSubmodels


@st.composite
def tied_tables(draw):
    """Draw a table of few values, so that rows repeat and distances tie, to the bit or almost."""
    rows, columns = draw(st.integers(4, 60)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = draw(st.integers(1, 6))
    scale = draw(st.sampled_from([1.0, 0.1, 0.7, 1 / 3]))
    offset = draw(st.sampled_from([0.0, 0.0, 1e3]))
    table = rng.integers(-values, values + 1, size=(rows + 20, columns)) * scale + offset
    table = table.astype(draw(st.sampled_from([np.float64, np.float32])))
    return table[:rows], rng.integers(0, 3, rows), rng.normal(size=rows), table[rows:]


@pytest.mark.parametrize("algorithm", ["auto", "brute", "kd_tree", "ball_tree"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(tables=tied_tables(), p=st.sampled_from([1, 1.5, 2, 3, np.inf]), share=st.floats(0, 1))
def test_neighbors_that_tie(assert_law, algorithm, weights, tables, p, share):
    X, labels, numbers, held_out = tables
    most = 1 + round(share * (len(X) - 1))
    how = {"weights": weights, "algorithm": algorithm, "p": p, "leaf_size": 2}
    values = sorted({1, most // 2 or 1, most})
    assert_law(KNeighborsClassifier(most, **how), X, labels, held_out, values)
    assert_law(KNeighborsRegressor(most, **how), X, numbers, held_out, values)


@pytest.mark.parametrize(("p", "seed"), [(1, 1), (1, 10), (2, 130)])
def test_distances_that_tie_but_for_rounding_by_which_a_ball_tree_passes_over_some(
    p, seed, assert_law
):
    rng = np.random.default_rng(seed)
    X, held_out = rng.integers(-9, 10, (60, 2)) * 0.1, rng.integers(-9, 10, (40, 2)) * 0.1
    model = KNeighborsRegressor(8, algorithm="ball_tree", p=p, leaf_size=1)
    assert_law(model, X, rng.normal(size=60), held_out)


def test_a_measure_by_which_a_ball_tree_misses_neighbors(assert_law):
    rng = np.random.default_rng(0)  # Bray and Curtis's keeps no triangle inequality
    X, held_out = rng.random((60, 3)) ** 3, rng.random((40, 3)) ** 3
    model = KNeighborsRegressor(8, algorithm="ball_tree", metric="braycurtis", leaf_size=1)
    assert_law(model, X, rng.normal(size=60), held_out)


@pytest.mark.parametrize(
    "how",
    [
        {"metric": "cosine"},
        {"metric": "hamming"},
        {"metric": "canberra", "algorithm": "ball_tree"},
        {"metric": "seuclidean", "metric_params": {"V": np.arange(1.0, 5)}},
        {"metric": "minkowski", "p": 3, "metric_params": {"w": np.arange(1.0, 5)}},
        {"metric": lambda a, b: float(np.abs(a - b).max())},
        {"weights": lambda distances: np.exp(-distances / distances.max())},
        {"weights": None},
        {"n_jobs": 2},
    ],
    ids="-".join,
)
@pytest.mark.parametrize("kind", [KNeighborsClassifier, KNeighborsRegressor])
def test_any_measure_and_weights(kind, how, multiclass, regression, assert_law):
    X = abs(np.round(multiclass[0], 1))
    y = (multiclass if kind is KNeighborsClassifier else regression)[1]
    assert_law(kind(9, **how), X[:60], y[:60], X[30:], [1, 4, 9])


@pytest.mark.parametrize("kind", [KNeighborsClassifier, KNeighborsRegressor])
def test_distances_that_are_known(kind, multiclass, regression, assert_law):
    X = np.round(multiclass[0], 1)
    y = (multiclass if kind is KNeighborsClassifier else regression)[1]
    model = kind(7, metric="precomputed")
    assert_law(model, pairwise_distances(X), y, pairwise_distances(X[::3], X), [1, 7])


def test_a_graph_of_as_many_neighbors_as_are_asked(multiclass, assert_law):
    X, y = multiclass
    searched = NearestNeighbors(n_neighbors=5).fit(X)
    graph = searched.kneighbors_graph(X, 5, mode="distance")
    held_out = searched.kneighbors_graph(X[::3], 5, mode="distance")
    assert_law(KNeighborsClassifier(5, metric="precomputed"), graph, y, held_out)


def test_a_sparse_table(multiclass, assert_law):
    X, y = multiclass
    table = sparse.csr_matrix(np.where(abs(X) < 0.8, 0, np.round(X, 1)))
    assert_law(KNeighborsClassifier(9), table, y, table, [1, 3, 9])


def test_a_frame_of_which_some_rows_tie(multiclass, assert_law):
    X, y = multiclass
    frame = pd.DataFrame(np.vstack([X, X[:20]]), columns=list("abcd"))
    assert_law(KNeighborsClassifier(9), frame, np.append(y, y[:20][::-1]), frame, [1, 3, 9])


def test_missing_values(multiclass, assert_law):
    X, y = multiclass
    X = X.copy()
    X[::3, 0] = np.nan
    assert_law(KNeighborsClassifier(9, metric="nan_euclidean"), X, y, X, [1, 3, 9])


def test_distances_without_end_tie(multiclass, assert_law):
    X, y = multiclass
    far = np.where(X > 1, 1e200, X)
    assert_law(KNeighborsClassifier(9, algorithm="kd_tree"), far, y, far, [1, 3, 9])


def test_several_numbers(regression, assert_law):
    X, y = regression
    assert_law(KNeighborsRegressor(6), X, np.column_stack([y, -y]), X[::2], [2, 6])


def test_every_row_is_asked(multiclass, assert_law):
    X, y = multiclass
    assert_law(KNeighborsClassifier(len(X)), X, y, X[::2], [44, 45, 89, 90])


def test_few_are_searched_by_a_tree_where_many_are_not(multiclass):
    X, y = multiclass
    model = KNeighborsClassifier(60).fit(X, y)
    submodels = submodels_of(model)
    searches = [submodels.materialize(value)._fit_method for value in (44, 45, 60)]
    assert searches == ["kd_tree", "brute", "brute"]
    assert model._fit_method == "brute"


@pytest.mark.parametrize(("most", "searches"), [(20, 1), (60, 2)])
def test_one_search_serves_all_that_search_alike(most, searches, multiclass, monkeypatch):
    X, y = multiclass
    submodels = submodels_of(KNeighborsClassifier(most).fit(X, y))
    asked = []
    search = KNeighborsClassifier.kneighbors

    def recorded(model, table, *args, **kwargs):
        asked.append(len(table))
        return search(model, table, *args, **kwargs)

    monkeypatch.setattr(KNeighborsClassifier, "kneighbors", recorded)
    held_out = np.random.default_rng(1).normal(size=(25, 4))
    assert len(list(submodels.responses(held_out, "predict_proba"))) == most
    assert asked == [25] * searches


def test_only_the_rows_that_tie_are_searched_again(multiclass, monkeypatch):
    X, y = multiclass
    doubled = np.vstack([X, X[:1]])
    submodels = submodels_of(KNeighborsClassifier(4).fit(doubled, np.append(y, y[0])))
    asked = []
    search = KNeighborsClassifier.kneighbors

    def recorded(model, table, *args, **kwargs):
        asked.append((model.n_neighbors, len(table)))
        return search(model, table, *args, **kwargs)

    monkeypatch.setattr(KNeighborsClassifier, "kneighbors", recorded)
    list(submodels.among([1, 2, 4]).responses(X[:5], "predict"))
    assert asked == [(4, 5), (1, 1)]  # the first row's nearest two are one row twice


def test_costs_build_nothing(multiclass, monkeypatch):
    submodels = submodels_of(KNeighborsClassifier(5).fit(*multiclass))
    monkeypatch.delattr(NeighborsSubmodels, "materialize")
    assert {cost.parameters for cost in submodels.costs()} == {90 * 4 + 90}


def test_a_submodel_shares_the_rows_that_a_refit_would_store(multiclass):
    model = KNeighborsClassifier(5).fit(*multiclass)
    small = submodels_of(model).materialize(2)
    assert small._fit_X is model._fit_X
    assert set(vars(small)) == set(vars(model))


def test_more_neighbors_than_rows_cannot_be_asked(multiclass):
    X, y = multiclass
    submodels = submodels_of(KNeighborsClassifier(99).fit(X, y))
    with pytest.raises(ValueError, match="n_neighbors = 99, n_samples_fit = 90"):
        list(submodels.responses(X, "predict"))


def test_classes_of_several_targets_are_refused(multiclass):
    X, y = multiclass
    model = KNeighborsClassifier().fit(X, np.column_stack([y, y]))
    with pytest.raises(SubmodelError, match="predicts several targets: submodels are of one"):
        submodels_of(model)
    assert submodel_parameter(clone(model)) == "n_neighbors"


def test_a_model_that_is_not_fitted():
    with pytest.raises(NotFittedError, match="KNeighborsRegressor instance is not fitted yet"):
        submodels_of(KNeighborsRegressor())
