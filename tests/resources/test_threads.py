"""Tests of optistruct.resources.threads."""

from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optistruct.resources import single_threaded


def test_sets_one_thread_and_keeps_the_rest() -> None:
    forest = single_threaded(RandomForestClassifier(7, n_jobs=-1, max_depth=3))
    assert forest.n_jobs == 1
    assert (forest.n_estimators, forest.max_depth) == (7, 3)


def test_reaches_nested_estimators() -> None:
    columns = ColumnTransformer([("scale", StandardScaler(), [0])], n_jobs=4)
    vote = VotingClassifier(
        [("forest", RandomForestClassifier(n_jobs=2)), ("knn", KNeighborsClassifier(n_jobs=-1))],
        n_jobs=3,
    )
    parameters = single_threaded(make_pipeline(columns, vote)).get_params()
    threads = {name: value for name, value in parameters.items() if name.endswith("n_jobs")}
    assert len(threads) == 4
    assert set(threads.values()) == {1}


def test_closes_what_lightgbm_leaves_open() -> None:
    assert single_threaded(LGBMClassifier()).n_jobs == 1
    nested = single_threaded(make_pipeline(StandardScaler(), LGBMClassifier(n_jobs=8)))
    assert nested[-1].n_jobs == 1


def test_copies() -> None:
    forest = RandomForestClassifier(n_jobs=2)
    assert single_threaded(forest) is not forest
    assert forest.n_jobs == 2


def test_takes_estimators_without_threads() -> None:
    assert repr(single_threaded(Ridge(alpha=3))) == "Ridge(alpha=3)"
