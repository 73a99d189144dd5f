"""Binned tables that LightGBM's models share: each model is, to the bit, what it is on its own."""

import gc
import pickle
import threading
import weakref
from functools import partial
from typing import Any

import lightgbm
import numpy as np
import optuna
import pandas as pd
import pytest
from lightgbm import Booster, Dataset, LGBMClassifier, LGBMRegressor, train
from lightgbm.basic import LightGBMError
from scipy import sparse
from sklearn.base import clone

from optistruct import spaces
from optistruct.evaluation import binned
from optistruct.evaluation.binned import BinnedTable
from optistruct.spaces import Problem, build

ROWS = 300
MANY = 2**20


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """(300, 12): constant, seldom other than 0 (1 to 120 times), gaps, counts, numbers."""
    rng = np.random.default_rng(0)
    X = np.zeros((ROWS, 12))
    X[:, 0] = 7
    for column, n in enumerate((1, 3, 6, 12, 25, 50, 99, 120), start=1):
        X[rng.choice(ROWS, n, replace=False), column] = rng.integers(1, 9, n)
    X[:, 9] = np.where(rng.random(ROWS) < 0.9, np.nan, rng.normal(size=ROWS))
    X[:, 10] = rng.poisson(1, ROWS)
    X[:, 11] = rng.normal(size=ROWS)
    return X


@pytest.fixture(scope="module")
def target(table: np.ndarray) -> np.ndarray:
    return table[:, 11] + table[:, 10] + (table[:, 7] > 0)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every data set that LightGBM makes, weakly held."""
    made: list[Any] = []
    init = Dataset.__init__

    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        made.append(weakref.ref(self))
        init(self, *args, **kwargs)

    monkeypatch.setattr(Dataset, "__init__", noting)
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every booster that was read from what was written of it."""
    read: list[Any] = []
    from_string = Booster.model_from_string

    def noting(self: Any, text: str) -> Any:
        read.append(self)
        return from_string(self, text)

    monkeypatch.setattr(Booster, "model_from_string", noting)
    return read


def model(**params: Any) -> Any:
    settings = {"n_estimators": 5, "colsample_bytree": 0.5, "n_jobs": 1, "verbose": -1}
    return LGBMRegressor(**{**settings, **params})


def assert_same(shared: Any, alone: Any, X: Any) -> None:
    assert shared.booster_.model_to_string() == alone.booster_.model_to_string()
    assert shared.get_params() == alone.get_params()
    assert vars(shared).keys() == vars(alone).keys()
    np.testing.assert_array_equal(shared.predict(X), alone.predict(X))
    np.testing.assert_array_equal(shared.feature_importances_, alone.feature_importances_)
    assert pickle.dumps(shared) == pickle.dumps(alone)


def counted(shared: BinnedTable, noted: list[Any], y: Any, *structures: Any) -> int:
    """Count what is noted in fits of structures on a shared table, each as it is alone."""
    count = 0
    for structure in structures:
        before = len(noted)
        fitted = shared.fit(clone(structure), y)
        count += len(noted) - before
        assert_same(fitted, clone(structure).fit(shared.X, y), shared.X)
    return count


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("form", ["array", "single", "sparse", "frame"])
def test_models_of_the_space_are_what_they_are_alone(
    table: np.ndarray, target: np.ndarray, task: str, form: str, made: list[Any]
) -> None:
    cuts = {"binary": [1.5], "multiclass": [0.5, 2]}
    y = target if task == "regression" else np.digitize(target, cuts[task])
    problem = Problem.from_data(table, y)
    X = {
        "array": table,
        "single": np.asfortranarray(table.astype(np.float32)),
        "sparse": sparse.csr_matrix(np.nan_to_num(table)),
        "frame": pd.DataFrame(table).add_prefix("f").astype({"f10": "category"}),
    }[form]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    rng = np.random.default_rng(1)
    structures = []
    for _ in range(25):
        study.enqueue_trial({"n_estimators": 10})
        structure = build(spaces.lightgbm, study.ask(), problem, 0)
        if rng.random() < 0.2:
            structure.set_params(max_bin=int(rng.choice([15, 63, 255])))
        if rng.random() < 0.2:
            structure.set_params(min_data_in_bin=int(rng.choice([1, 10])))
        if rng.random() < 0.2:
            structure.set_params(subsample=0.6, subsample_freq=1, max_depth=4, reg_alpha=0.1)
        structures.append(structure)
    n = counted(BinnedTable(X, MANY), made, y, *structures)
    assert n < len(structures)


def test_a_table_is_binned_once_between_known_least_rows(
    target: np.ndarray, made: list[Any]
) -> None:
    X = np.random.default_rng(0).normal(size=(ROWS, 3))
    shared = BinnedTable(X, MANY)
    first = [model(min_child_samples=least) for least in (5, 40)]
    assert counted(shared, made, target, *first) == 2
    between = [model(min_child_samples=n, num_leaves=9, reg_lambda=2.0) for n in (40, 5, 17, 6)]
    assert counted(shared, made, target, *between) == 0
    assert counted(shared, made, target, *[model(min_child_samples=n) for n in (4, 41)]) == 2
    assert counted(shared, made, target, model(min_child_samples=4, n_estimators=20)) == 0


def test_tables_less_other_columns_are_binned_apart(target: np.ndarray, made: list[Any]) -> None:
    X = np.random.default_rng(0).normal(size=(ROWS, 4))
    X[:, 1] = np.arange(ROWS) < 10
    shared = BinnedTable(X, MANY)

    def at(*least: int) -> int:
        return counted(shared, made, target, *[model(min_child_samples=n) for n in least])

    assert at(5, 20) == 2
    assert at(8, 15) == 2
    assert at(5, 6, 8, 15, 18, 20) == 0
    assert at(12, 9) == 2


@pytest.mark.parametrize(
    "name", ["max_bin", "min_data_in_bin", "random_state", "subsample_for_bin"]
)
def test_what_tells_binned_tables_apart(
    table: np.ndarray, target: np.ndarray, made: list[Any], name: str
) -> None:
    one, other = model(**{name: 20}), model(**{name: 40})
    assert counted(BinnedTable(table, MANY), made, target, one, other, one, other, model()) == 3


@pytest.mark.filterwarnings("ignore:categorical_feature keyword has been found")
@pytest.mark.parametrize(
    "params",
    [
        {"max_bin": 300},
        {"max_bins": 15},
        {"min_data_in_leaf": 3},
        {"min_child_samples": 0},
        {"feature_pre_filter": False},
        {"enable_bundle": False},
        {"categorical_feature": [10]},
        {"monotone_constraints": [0] * 11 + [1]},
        {"linear_tree": True},
        {"path_smooth": 1.0},
        {"data_random_seed": 3},
        {"feature_contri": [1.0] * 12},
    ],
    ids=lambda params: next(iter(params)),
)
def test_what_is_not_known_is_binned_every_time(
    table: np.ndarray, target: np.ndarray, made: list[Any], params: dict[str, Any]
) -> None:
    structure = model(**params)
    shared = BinnedTable(np.nan_to_num(table), MANY)
    assert counted(shared, made, target, model(), structure, structure, model()) == 3


def test_weighted_classes_are_binned_every_time(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    y = target > 1.5
    weighted = LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1, class_weight="balanced")
    assert counted(BinnedTable(table, MANY), made, y, weighted, weighted) == 2


@pytest.mark.filterwarnings("ignore:Converting column-vector to 1d array")
def test_a_target_that_is_a_column_is_binned_every_time(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    shared = BinnedTable(pd.DataFrame(table), MANY)
    assert counted(shared, made, pd.DataFrame({"y": target}), model(), model()) == 2


def squares(y: Any, predicted: Any) -> Any:
    return predicted - y, np.ones_like(y)


def test_objectives_of_ones_own_are_binned_every_time(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    structure = model(objective=squares)
    assert counted(BinnedTable(table, MANY), made, target, structure, structure) == 2


class Kin(LGBMRegressor):
    """A subclass, whose fit may be anything."""


@pytest.mark.parametrize("kind", ["subclass", "list"])
def test_other_models_and_tables_go_their_own_way(
    table: np.ndarray, target: np.ndarray, made: list[Any], kind: str
) -> None:
    structure = Kin(n_estimators=5, n_jobs=1, verbose=-1) if kind == "subclass" else model()
    X = table.tolist() if kind == "list" else table
    assert counted(BinnedTable(X, MANY), made, target, structure, structure) == 2


def test_another_target_is_not_mistaken(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    shared = BinnedTable(table, MANY)
    for y in (target, -target, target):
        assert counted(shared, made, y, model()) == 1
    assert counted(shared, made, target, model()) == 0


def test_no_more_is_kept_than_there_is_room_for(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    first, second, third = (model(max_bin=n) for n in (10, 20, 30))
    shared = BinnedTable(table, 2 * table.size)
    assert counted(shared, made, target, first, second, first) == 2
    assert counted(shared, made, target, third, first, second) == 2
    assert counted(BinnedTable(table, table.size - 1), made, target, first, first) == 2


def test_a_binned_table_lives_as_long_as_what_was_trained_on_it(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    shared = BinnedTable(table, MANY)
    fitted = [shared.fit(model(reg_lambda=strength), target) for strength in (1.0, 2.0)]
    (dataset,) = made
    del shared
    gc.collect()
    assert dataset() is not None
    fitted[0].booster_.reset_parameter({"num_threads": 1})  # LightGBM's core looks at the table
    fitted[1].booster_.rollback_one_iter()
    del fitted
    gc.collect()
    assert dataset() is None


def test_what_lightgbm_refuses_is_fitted_without(
    table: np.ndarray, target: np.ndarray, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = BinnedTable(table, MANY)
    shared.fit(model(), target)
    update = Dataset._update_params

    def refusing(self: Any, params: Any) -> Any:
        if self._handle is not None:
            raise LightGBMError("refused")
        return update(self, params)

    monkeypatch.setattr(Dataset, "_update_params", refusing)
    assert counted(shared, made, target, model()) == 1


def test_a_fit_that_fails_leaves_nothing_behind(table: np.ndarray, target: np.ndarray) -> None:
    shared = BinnedTable(table, MANY)
    with pytest.raises(LightGBMError, match="max_bin"):
        shared.fit(model(max_bin=1), target)
    assert (lightgbm.sklearn.Dataset, lightgbm.sklearn.train) == (Dataset, train)
    assert not binned._at_work.locked()


def test_fits_at_the_same_time_are_not_shared(
    table: np.ndarray, target: np.ndarray, made: list[Any]
) -> None:
    shared = BinnedTable(table, MANY)
    shared.fit(model(), target)
    with binned._at_work:
        assert counted(shared, made, target, model()) == 1


def test_a_fit_in_another_thread_is_its_own(
    table: np.ndarray, target: np.ndarray, monkeypatch: pytest.MonkeyPatch, read: list[Any]
) -> None:
    shared = BinnedTable(table, MANY)
    shared.fit(model(), target)
    other, fitted = table[::-1].copy(), []
    record = lightgbm.sklearn.record_evaluation

    def meanwhile(result: Any) -> Any:  # once the data set is at hand
        monkeypatch.setattr("lightgbm.sklearn.record_evaluation", record)
        thread = threading.Thread(target=lambda: fitted.append(model().fit(other, target)))
        thread.start()
        thread.join()
        return record(result)

    monkeypatch.setattr("lightgbm.sklearn.record_evaluation", meanwhile)
    shared.fit(model(), target)
    assert read == [fitted[0].booster_]
    assert_same(fitted[0], model().fit(other, target), other)


@pytest.mark.parametrize("name", ["Dataset", "train"])
def test_a_stranger_in_the_place_of_lightgbms_own_is_left_there(
    table: np.ndarray,
    target: np.ndarray,
    made: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    strangers = {"Dataset": type("Stranger", (Dataset,), {}), "train": partial(train)}
    monkeypatch.setattr(lightgbm.sklearn, name, strangers[name])
    assert counted(BinnedTable(table, MANY), made, target, model(), model()) == 2
    assert getattr(lightgbm.sklearn, name) is strangers[name]


def test_boosters_are_not_written_and_read(
    table: np.ndarray, target: np.ndarray, read: list[Any]
) -> None:
    shared, frame = BinnedTable(table, MANY), BinnedTable(pd.DataFrame(table), MANY)
    label = np.where(target > 1.5, "yes", "no")
    classifier = LGBMClassifier(**model().get_params())
    assert counted(shared, read, target, model()) == 0
    assert counted(frame, read, target, model(subsample=0.5, subsample_freq=1)) == 0
    assert counted(shared, read, label, classifier) == 0


@pytest.mark.parametrize(
    "params", [{"boosting_type": "dart"}, {"boosting_type": "rf"}, {"importance_type": "gain"}]
)
def test_boosters_of_other_kinds_are_read(
    table: np.ndarray, target: np.ndarray, read: list[Any], params: dict[str, Any]
) -> None:
    structure = model(subsample=0.5, subsample_freq=1, **params)
    assert counted(BinnedTable(table, MANY), read, target, structure) == 1


def test_boosters_that_change_when_read_are_read(
    table: np.ndarray, target: np.ndarray, read: list[Any]
) -> None:
    frame = pd.DataFrame(table).add_prefix("f").astype({"f10": "category"})
    assert counted(BinnedTable(frame, MANY), read, target, model()) == 1
    classes = LGBMClassifier(**model().get_params())
    assert counted(BinnedTable(table, MANY), read, np.digitize(target, [0.5, 2]), classes) == 1


def test_a_booster_whose_first_tree_has_no_split_is_read(
    table: np.ndarray, target: np.ndarray, read: list[Any]
) -> None:
    X = table[:, 10:].copy()
    X[:, 0] = np.random.default_rng(0).normal(size=ROWS)
    shared = BinnedTable(X, MANY)
    numbers = {True: set(), False: set()}  # a column that tells nothing comes first, or the other
    for seed in range(6):
        structure = model(min_split_gain=20.0, random_state=seed, learning_rate=0.01)
        number = counted(shared, read, target, structure)
        text = structure.fit(X, target).booster_.model_to_string(num_iteration=1)
        numbers["num_leaves=1\n" in text].add(number)
    assert numbers == {True: {1}, False: {0}}
