"""Tests of optistruct.resources.size."""

import pickle
import sys
import threading
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed
from lightgbm import LGBMClassifier
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import BallTree, KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct.exceptions import ArgumentError, NotConvertibleError, UnknownNameError
from optistruct.resources import model_size

MODELS = {
    type(model[-1] if hasattr(model, "steps") else model).__name__: model
    for model in (
        DecisionTreeClassifier(random_state=0),
        ExtraTreesClassifier(9, random_state=0),
        HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=2, random_state=0),
        KNeighborsClassifier(3),
        LGBMClassifier(n_estimators=9, n_jobs=1, verbose=-1),
        MLPClassifier((8, 8), max_iter=2000, tol=1e-2, random_state=0),
        RandomForestClassifier(9, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
    )
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    return clone(MODELS[request.param])


@pytest.fixture(params=["pickle", "skops", "onnx"])
def size(request: pytest.FixtureRequest, multiclass: Any) -> Any:
    """model -> bytes, in each format."""
    pytest.importorskip({"pickle": "pickle", "skops": "skops"}.get(request.param, "onnxruntime"))
    return lambda model: model_size(model, request.param, multiclass[0])


class TestIsTheSame:
    """For the same model, whatever it went through."""

    def test_before_and_after_predictions(self, model: Any, size: Any, multiclass: Any) -> None:
        X, y = multiclass
        model.fit(X, y)
        before = size(model)
        for _ in range(300):
            model.predict(X[:2])
        model.predict_proba(X)
        assert size(model) == before
        assert size(model) == before

    def test_for_a_clone_on_the_same_data(self, model: Any, size: Any, multiclass: Any) -> None:
        assert size(clone(model).fit(*multiclass)) == size(model.fit(*multiclass))

    def test_after_round_trips(self, model: Any, size: Any, multiclass: Any) -> None:
        before = size(model.fit(*multiclass))
        for _ in range(3):
            model = pickle.loads(pickle.dumps(model))
            assert size(model) == before

    def test_on_data_that_a_worker_got(self, model: Any, size: Any, multiclass: Any) -> None:
        data = pickle.loads(pickle.dumps(multiclass))
        assert size(clone(model).fit(*data)) == size(model.fit(*multiclass))


@pytest.mark.parametrize("format", ["pickle", "skops"])
def test_in_a_worker_process(format: Any, multiclass: Any) -> None:
    pytest.importorskip(format)
    here = {name: clone(model).fit(*multiclass) for name, model in MODELS.items()}
    with Parallel(n_jobs=2) as workers:
        fits = [delayed(clone(model).fit)(*multiclass) for model in MODELS.values()]
        there = dict(zip(MODELS, workers(fits), strict=True))
        sent = [delayed(model_size)(model, format) for model in here.values()]
        measured_there = dict(zip(MODELS, workers(sent), strict=True))
    sizes = {name: model_size(model, format) for name, model in here.items()}
    assert {name: model_size(model, format) for name, model in there.items()} == sizes
    assert measured_there == sizes


class TestPickle:
    def test_is_near_the_length_of_the_pickle(self, model: Any, multiclass: Any) -> None:
        model.fit(*multiclass)
        size, length = model_size(model), len(pickle.dumps(model, protocol=5))
        assert type(size) is int
        assert 0.75 * length < size <= 1.01 * length

    def test_grows_with_what_is_stored(self) -> None:
        model = Ridge()
        model.coef_ = np.zeros(10)
        before = model_size(model)
        model.coef_ = np.zeros(1010)
        assert model_size(model) - before == pytest.approx(8000, abs=16)

    def test_equal_arrays_count_once(self) -> None:
        model = Ridge()
        model.coef_ = np.arange(1000.0)
        once = model_size(model)
        model.copy_ = np.arange(2000.0)[:1000]
        assert model_size(model) - once < 50
        model.copy_ = np.arange(1000.0) + 1
        assert model_size(model) - once > 8000

    def test_arrays_of_objects_count_by_their_objects(self) -> None:
        model = Ridge()
        model.names_ = np.array(["x" * 1000, "y" * 1000], dtype=object)
        assert model_size(model) > 2000

    @pytest.mark.parametrize("tree", ["kd_tree", "ball_tree"])
    def test_a_search_tree_s_counters_do_not_count(self, tree: str, multiclass: Any) -> None:
        X, y = multiclass
        model = KNeighborsClassifier(algorithm=tree).fit(X, y)
        before = len(pickle.dumps(model)), model_size(model)
        for _ in range(400):
            model.predict(X[:3])
        assert len(pickle.dumps(model)) > before[0]
        assert model_size(model) == before[1]


class TestSkops:
    def test_is_near_what_skops_writes(self, model: Any, multiclass: Any) -> None:
        skops = pytest.importorskip("skops.io")
        model.fit(*multiclass)
        assert model_size(model, "skops") == pytest.approx(len(skops.dumps(model)), rel=0.12)

    def test_the_copy_that_is_written_predicts_the_same(self, model: Any, multiclass: Any) -> None:
        from optistruct.resources.size import _canonical

        X, y = multiclass
        expected = model.fit(X, y).predict_proba(X)
        np.testing.assert_array_equal(_canonical(model).predict_proba(X), expected)
        tree = BallTree(X)
        np.testing.assert_array_equal(_canonical(tree).query(X, 3)[1], tree.query(X, 3)[1])

    def test_addresses_count_the_same_number_of_digits(self, monkeypatch: Any) -> None:
        from skops.io._utils import SaveContext

        model = Ridge()
        model.coef_, model.other_ = np.zeros(10), np.ones(10)
        expected = model_size(model, "skops")
        memoize = SaveContext.memoize
        monkeypatch.setattr(SaveContext, "memoize", lambda self, obj: memoize(self, obj) % 10**9)
        assert model_size(model, "skops") == expected

    def test_files_of_bytes_have_names_of_chance(self) -> None:
        model = Ridge()
        model.blob_ = b"x" * 10
        assert len({model_size(model, "skops") for _ in range(12)}) == 1

    def test_addresses_of_sparse_arrays_count_as_many_digits(self, monkeypatch: Any) -> None:
        from skops.io._utils import SaveContext

        model = Ridge()
        model.coef_ = csr_array(np.eye(3))
        expected = model_size(model, "skops")
        memoize = SaveContext.memoize
        monkeypatch.setattr(SaveContext, "memoize", lambda self, obj: memoize(self, obj) % 10**9)
        assert model_size(model, "skops") == expected

    def test_needs_skops(self, monkeypatch: Any) -> None:
        monkeypatch.setitem(sys.modules, "skops.io", None)
        with pytest.raises(ArgumentError, match=r'skops.*: pip install "optistruct\[skops\]"'):
            model_size(Ridge(), "skops")


class TestOnnx:
    def test_is_the_length_of_the_content(self, model: Any, multiclass: Any) -> None:
        pytest.importorskip("onnxruntime")
        from optistruct.resources import to_onnx

        X, y = multiclass
        content = to_onnx(model.fit(X, y), X).content
        assert model_size(model, "onnx", X) == len(content)

    def test_needs_rows(self, binary: Any) -> None:
        pytest.importorskip("onnxruntime")
        with pytest.raises(
            ArgumentError, match=r"needs rows of the table: model_size\(\.\.\., X=X"
        ):
            model_size(LogisticRegression().fit(*binary), "onnx")


def test_unknown_formats() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown format 'pickel'; known.*: pickle,"):
        model_size(Ridge(), "pickel")  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["pickle", "skops"])
@pytest.mark.parametrize(
    "model",
    [FunctionTransformer(lambda X: X), FunctionTransformer(kw_args={"lock": threading.Lock()})],
)
def test_what_cannot_be_written(format: Any, model: Any) -> None:
    pytest.importorskip(format)
    with pytest.raises(NotConvertibleError, match=f"cannot be written as {format}: .*[Pp]ickle"):
        model_size(model, format)
