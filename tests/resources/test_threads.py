"""Tests of optistruct.resources.threads."""

import subprocess
import sys
from typing import Any

import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optistruct.resources import one_thread, single_threaded
from optistruct.resources.threads import one_thread_predict


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


def test_knows_lightgbms_other_names() -> None:
    assert single_threaded(LGBMClassifier(num_threads=4)).get_params()["num_threads"] == 1


def test_fitted_models_are_on_one_thread_inside_the_block_only(binary: Any) -> None:
    boosting = LGBMClassifier(n_estimators=2, num_threads=2, verbose=-1).fit(*binary)
    with one_thread(boosting):
        assert boosting.get_params()["num_threads"] == 1
    assert boosting.get_params()["num_threads"] == 2


def test_takes_xgboost_within_other_models(binary: Any) -> None:
    xgboost = pytest.importorskip("xgboost")
    bagging = BaggingClassifier(xgboost.XGBClassifier(n_estimators=2, n_jobs=2), n_estimators=2)
    bagging.fit(*binary)
    with one_thread(bagging):
        assert [member.n_jobs for member in bagging.estimators_] == [1, 1]
    assert [member.n_jobs for member in bagging.estimators_] == [2, 2]


def test_takes_catboost(binary: Any) -> None:
    catboost = pytest.importorskip("catboost")
    model = single_threaded(make_pipeline(StandardScaler(), catboost.CatBoostClassifier(depth=2)))
    assert model[-1].get_params()["thread_count"] == 1
    X, y = binary
    fitted = catboost.CatBoostClassifier(
        iterations=2, verbose=False, allow_writing_files=False
    ).fit(X, y)
    assert one_thread_predict(fitted).keywords == {"thread_count": 1}  # type: ignore[attr-defined]
    assert len(one_thread_predict(fitted)(X)) == len(y)


OVERLAPPING = """
import threading
import numpy
from threadpoolctl import threadpool_info
from optistruct.resources import one_thread

def numbers():
    return [pool["num_threads"] for pool in threadpool_info()]

def second():
    with one_thread():
        entered.set()
        assert left.wait(30)

before = numbers()
entered, left = threading.Event(), threading.Event()
other = threading.Thread(target=second)
with one_thread():
    assert set(numbers()) == {1}
    other.start()
    assert entered.wait(30)
assert numbers() == before
left.set()
other.join()
assert numbers() == before
"""


def test_threads_of_one_process_leave_it_as_it_was() -> None:
    """In a process of its own: the one that runs the tests is limited already."""
    ran = subprocess.run([sys.executable, "-c", OVERLAPPING], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
