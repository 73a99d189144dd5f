"""Tests of optistruct.resources.onnx_runtime and what it uses, by the real ONNX Runtime."""

import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from optuna.trial import FixedTrial
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct import spaces
from optistruct.exceptions import ArgumentError, NotConvertibleError
from optistruct.resources import model_size, to_onnx
from optistruct.spaces import Problem

pytest.importorskip("onnxruntime")

FOREST = {"n_estimators": 9, "max_depth": 6, "min_samples_leaf": 1, "max_features": 0.7}
STRUCTURES: dict[str, dict[str, Any]] = {
    "linear": {"penalty": "elastic_net", "strength": 0.01, "l1_ratio": 0.5},
    "decision_tree": {"max_depth": 6, "max_leaf_nodes": 20, "min_samples_leaf": 1},
    "random_forest": FOREST,
    "extra_trees": FOREST,
    "hist_gradient_boosting": {
        "max_iter": 10,
        "learning_rate": 0.3,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 2,
        "l2_regularization": 1e-3,
    },
    "lightgbm": {
        "n_estimators": 10,
        "learning_rate": 0.3,
        "num_leaves": 8,
        "min_child_samples": 2,
        "colsample_bytree": 1.0,
        "reg_lambda": 1e-3,
    },
    "nearest_neighbors": {"n_neighbors": 5, "weights": "distance", "p": 1},
    "mlp": {
        "layers": 2,
        "units_1": 8,
        "units_2": 4,
        "activation": "relu",
        "alpha": 1e-4,
        "learning_rate_init": 0.01,
    },
}


def fitted(family: str, X: Any, y: Any, around: Callable[[Any], Any] = lambda space: space) -> Any:
    space = around(spaces.FAMILIES[family])
    model = spaces.build(space, FixedTrial(STRUCTURES[family]), Problem.from_data(X, y), seed=0)
    return model.fit(X, y)


def assert_same(model: Any, X: Any) -> None:
    """See that the runtime predicts the same, in all rows, whole and one by one."""
    expected = model.predict(X)
    converted = to_onnx(model, X)
    predicted = converted.predict(X)
    assert (predicted.shape, predicted.dtype) == (expected.shape, expected.dtype)
    first = X.iloc[:1] if isinstance(X, pd.DataFrame) else X[:1]
    for got, wanted in ((predicted, expected), (converted.predict(first), expected[:1])):
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(got, wanted, atol=5e-4 * expected.std())
        else:
            np.testing.assert_array_equal(got, wanted)


def numbers_of(frame: pd.DataFrame) -> np.ndarray:
    """Make a target that every column has a part in, missing cells too."""
    age, city = frame["age"].fillna(10), frame["city"].map({"Bonn": 3.0, "Graz": 9.0})
    plan = frame["plan"].eq("paid") * 4
    return (age / 5 + city.fillna(-8) + 5 * frame["member"] + plan + frame["visits"]).to_numpy()


def clipped(X: np.ndarray) -> np.ndarray:
    return np.clip(X, -100, 100)


def gaps(X: np.ndarray) -> np.ndarray:
    return np.where(X == -999, np.nan, X)


def doubles_in_place(X: np.ndarray) -> np.ndarray:
    X *= 2
    return X


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestFamilies:
    """Every family of `spaces.FAMILIES`."""

    @pytest.mark.parametrize("family", spaces.FAMILIES)
    def test_arrays(self, family: str, data: Any) -> None:
        assert_same(fitted(family, *data), data[0])

    @pytest.mark.parametrize("family", spaces.FAMILIES)
    def test_mixed_tables(self, family: str, mixed: Any) -> None:
        X, y = mixed
        assert_same(fitted(family, X, y, spaces.tabular), X)
        assert_same(fitted(family, X, numbers_of(X), spaces.tabular), X)

    @pytest.mark.parametrize("family", spaces.FAMILIES)
    def test_frames_of_numbers_are_one_input(self, family: str, binary: Any) -> None:
        X = pd.DataFrame(binary[0], columns=list("abcd"))
        model = fitted(family, X, binary[1], spaces.tabular)
        assert [each.shape for each in to_onnx(model, X).feed(X).values()] == [(len(X), 4)]
        assert_same(model, X)

    def test_functions_that_hand_on_the_same_numbers(self, mixed: Any) -> None:
        X, y = mixed[0][["age", "visits"]], mixed[1]
        through = FunctionTransformer(np.positive)
        columns = ColumnTransformer(
            [("visits", make_pipeline("passthrough", through), ["visits"])], remainder=through
        )
        assert_same(make_pipeline(columns, DecisionTreeClassifier(max_depth=3)).fit(X, y), X)

    def test_functions_that_hand_on_these_numbers_only(self, binary: Any) -> None:
        X, y = np.abs(binary[0]) + 1, binary[1]
        for function in (np.abs, np.ceil, np.nan_to_num, clipped, gaps, doubles_in_place):
            rows = np.ceil(X)
            model = make_pipeline(
                FunctionTransformer(function), DecisionTreeClassifier(max_depth=2)
            )
            with pytest.raises(NotConvertibleError, match="FunctionTransformer is not supported"):
                to_onnx(model.fit(rows, y), rows)

    def test_a_pipeline_in_a_pipeline(self, binary: Any, mixed: Any) -> None:
        inner = make_pipeline(StandardScaler(), "passthrough", LogisticRegression())
        assert_same(make_pipeline(StandardScaler(), inner).fit(*binary), binary[0])
        space = spaces.tabular(lambda trial: clone(inner))
        for X in (mixed[0], mixed[0][["city", "plan"]], mixed[0][["visits"]]):
            problem = Problem.from_data(X, mixed[1])
            assert_same(spaces.build(space, FixedTrial({}), problem, 0).fit(X, mixed[1]), X)

    def test_branches_without_columns(self, binary: Any) -> None:
        X = pd.DataFrame(binary[0], columns=list("abcd"))
        text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
        columns = ColumnTransformer([("text", text, []), ("numbers", StandardScaler(), list("ab"))])
        assert_same(make_pipeline(columns, LogisticRegression()).fit(X, binary[1]), X)

    def test_a_list_of_rows(self, binary: Any) -> None:
        X, y = binary[0].tolist(), binary[1]
        columns = ColumnTransformer([("a", StandardScaler(), [0, 1])], remainder="passthrough")
        model = make_pipeline(columns, LogisticRegression()).fit(X, y)
        np.testing.assert_array_equal(to_onnx(model, X).predict(X), model.predict(X))

    def test_leaves_the_rows_alone(self, binary: Any) -> None:
        X, y = binary
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        model[0].copy, rows = False, X.copy()
        to_onnx(model, rows)
        np.testing.assert_array_equal(rows, X)

    def test_steps(self, multiclass: Any) -> None:
        X, y = multiclass
        steps = (QuantileTransformer(n_quantiles=20), SelectKBest(k=2), "passthrough")
        assert_same(make_pipeline(*steps, LogisticRegression()).fit(X, y), X)


class TestBoosting:
    """Libraries with converters of their own, alone and inside a pipeline."""

    def test_xgboost(self, data: Any) -> None:
        xgboost = pytest.importorskip("xgboost")
        X, y = data
        kind = xgboost.XGBRegressor if y.dtype.kind == "f" else xgboost.XGBClassifier
        y = np.unique(y, return_inverse=True)[1] if y.dtype.kind == "U" else y
        model = kind(n_estimators=5, max_depth=3, n_jobs=1)
        assert_same(model.fit(X, y), X)
        assert_same(make_pipeline(FunctionTransformer(), model).fit(X, y), X)

    def test_catboost(self, data: Any) -> None:
        catboost = pytest.importorskip("catboost")
        X, y = data
        kind = catboost.CatBoostRegressor if y.dtype.kind == "f" else catboost.CatBoostClassifier
        model = kind(iterations=5, verbose=0, thread_count=1, allow_writing_files=False)
        assert_same(model.fit(X, y), X)
        assert_same(make_pipeline(FunctionTransformer(), model).fit(X, y), X)

    def test_lightgbm_takes_missing_values(self, regression: Any) -> None:
        X, y = with_holes(regression)
        assert_same(LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1).fit(X, y), X)


def with_holes(data: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Take cells out by their value, so that missing is informative, and differs by column."""
    X = data[0].copy()
    X[:, 0][X[:, 0] > 0.8] = np.nan
    X[:, 1][X[:, 1] < -0.8] = np.nan
    return X, data[1]


class TestTrees:
    """What skl2onnx leaves out of scikit-learn's trees."""

    @pytest.mark.parametrize(
        "model",
        [
            DecisionTreeRegressor(max_depth=5, random_state=0),
            ExtraTreesRegressor(5, random_state=0),
            HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=2),
        ],
        ids=lambda model: type(model).__name__,
    )
    def test_missing_values_go_where_the_tree_sends_them(self, model: Any, regression: Any) -> None:
        X, y = with_holes(regression)
        assert_same(model.fit(X, y), X)

    @pytest.mark.parametrize(
        "model",
        [
            DecisionTreeClassifier(max_depth=5, random_state=0),
            RandomForestClassifier(5, random_state=0),
            HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=2),
        ],
        ids=lambda model: type(model).__name__,
    )
    def test_missing_values_of_classes(self, model: Any, multiclass: Any) -> None:
        X, y = with_holes(multiclass)
        assert_same(model.fit(X, y), X)

    @pytest.mark.parametrize("categories", [3, 40, 200])
    @pytest.mark.parametrize("of_missing", [None, -500.0, 500.0])
    def test_boosting_with_sets_of_categories(
        self, categories: int, of_missing: float | None
    ) -> None:
        rng = np.random.default_rng(0)
        codes = rng.integers(0, categories, 900).astype(float)
        y = rng.permutation(categories)[codes.astype(int)] + 0.0
        if of_missing is not None:
            codes[:200], y[:200] = np.nan, of_missing
        X = np.column_stack([rng.normal(size=900), codes])
        model = HistGradientBoostingRegressor(
            max_iter=3, max_leaf_nodes=6, min_samples_leaf=2, categorical_features=[1]
        )
        assert_same(model.fit(X, y), X)

    def test_boosting_with_categories_only(self, mixed: Any) -> None:
        X, y = mixed
        codes = X[["city", "plan"]].apply(lambda column: column.astype("category").cat.codes)
        rows = codes.replace(-1, 3).to_numpy(dtype=float)
        model = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0, 1])
        assert_same(model.fit(rows, y), rows)

    def test_boosting_with_a_frame_of_categories(self, mixed: Any) -> None:
        X = mixed[0].drop(columns="city")
        model = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=2)
        assert_same(model.fit(X, numbers_of(mixed[0])), X)
        X = pd.DataFrame({"plan": (X["plan"] == "paid").astype(int), "age": X["age"]})
        X = X.astype({"plan": "category"})  # whose codes are the categories themselves
        assert_same(model.fit(X, numbers_of(mixed[0])), X)


class TestNeighbors:
    @pytest.mark.parametrize("weights", ["uniform", "distance"])
    @pytest.mark.parametrize("p", [1, 2])
    def test_rows_that_were_not_trained_on(self, weights: str, p: int, regression: Any) -> None:
        X, y = regression
        assert_same(KNeighborsRegressor(7, weights=weights, p=p).fit(X[::2], y[::2]), X)


class TestLabels:
    @pytest.mark.parametrize(
        "labels",
        [
            np.array([False, True]),
            np.array([3, 7], dtype=np.int32),
            np.array([1.0, 2.0]),
            np.array(["no", "yes"]),
            np.array(["no", "yes"], dtype=object),
        ],
        ids=lambda labels: str(labels.dtype),
    )
    @pytest.mark.parametrize("kind", [LGBMClassifier, DecisionTreeClassifier, LogisticRegression])
    def test_are_of_the_model_s_type(self, labels: np.ndarray, kind: type, binary: Any) -> None:
        X, y = binary
        options = {"n_estimators": 5, "n_jobs": 1, "verbose": -1} if kind is LGBMClassifier else {}
        assert_same(kind(**options).fit(X, labels[y]), X)

    def test_several_numbers_a_row(self, regression: Any) -> None:
        X, y = regression
        assert_same(Ridge().fit(X, np.column_stack([y, -y])), X)


class TestCategories:
    def wide(self) -> tuple[pd.DataFrame, np.ndarray]:
        """320 categories of text, numbers as categories, None beside flags, two empty columns."""
        rng = np.random.default_rng(2)
        rows = 640
        X = pd.DataFrame(
            {
                "many": rng.permutation(np.arange(rows) % 320).astype(str),
                "size": rng.normal(size=rows),
                "shop": pd.Categorical(rng.integers(0, 40, rows)),
                "flag": np.where(rng.random(rows) < 0.2, None, rng.random(rows) < 0.5),
                "nothing": np.nan,
                "none": None,
            }
        )
        y = X["size"] + X["flag"].isna() * 2 + X["shop"].astype(int) / 20 + (X["many"] < "2")
        return X, y.to_numpy()

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize(
        "family", ["decision_tree", "hist_gradient_boosting", "lightgbm", "linear"]
    )
    def test_many_and_odd_ones(self, family: str) -> None:
        X, y = self.wide()
        assert_same(fitted(family, X, y, spaces.tabular), X)

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_never_seen_in_fitting(self, mixed: Any) -> None:
        X = mixed[0]
        seen = (X["city"] != "Lyon").to_numpy()
        for family in ("decision_tree", "hist_gradient_boosting", "lightgbm", "linear"):
            model = fitted(family, X[seen], numbers_of(X)[seen], spaces.tabular)
            assert_same(model, X)

    def test_numbers_and_flags_in_turn(self, mixed: Any) -> None:
        X, y = mixed
        X = X[["visits", "member", "age", "plan"]].fillna({"age": 40})
        for numbers, inputs in (
            (["visits", "member", "age"], {"X", "column_3"}),
            (["member", "age", "visits"], {f"column_{i}" for i in range(4)}),
        ):
            columns = ColumnTransformer(
                [("numbers", "passthrough", numbers), ("plan", OneHotEncoder(), ["plan"])],
                sparse_threshold=0,
            )
            model = make_pipeline(columns, DecisionTreeClassifier(max_depth=4)).fit(X, y)
            assert_same(model, X)
            assert set(to_onnx(model, X).feed(X)) == inputs

    def test_columns_by_name(self, mixed: Any) -> None:
        X, y = mixed
        X = X[["visits", "plan", "city"]]
        columns = ColumnTransformer(
            [("codes", OneHotEncoder(sparse_output=False), ["city", "plan"])],
            remainder="passthrough",
        )
        assert_same(make_pipeline(columns, LogisticRegression()).fit(X, y), X)

    def test_a_frame_of_text_only(self, mixed: Any) -> None:
        X, y = mixed[0][["plan", "city"]], mixed[1]
        encoder = OneHotEncoder(sparse_output=False)
        assert_same(make_pipeline(encoder, LogisticRegression()).fit(X, y), X)


class TestOnnxModel:
    def test_feeds_are_float32_and_text(self, mixed: Any) -> None:
        X, y = mixed
        feed = to_onnx(fitted("linear", X, y, spaces.tabular), X).feed(X[:5])
        assert {name: (each.shape, each.dtype.kind) for name, each in feed.items()} == {
            "X": ((5, 2), "f"),
            "column_1": ((5, 1), "O"),
            "column_2": ((5, 1), "f"),
            "column_3": ((5, 1), "O"),
        }
        assert feed["X"].dtype == np.float32
        np.testing.assert_array_equal(feed["X"], X[["age", "visits"]][:5].astype(np.float32))

    def test_predicts_by_run(self, multiclass: Any) -> None:
        X, y = multiclass
        model = to_onnx(LogisticRegression().fit(X, y), X)
        np.testing.assert_array_equal(model.run(model.feed(X)), model.predict(X))

    def test_asks_for_the_classes_only(self, binary: Any, monkeypatch: Any) -> None:
        X, y = binary
        model = to_onnx(LogisticRegression().fit(X, y), X)
        asked = []

        class Spy:
            def run(self, outputs: Any, feed: Any) -> Any:
                asked.append(outputs)
                return [np.zeros(len(X))]

        monkeypatch.setattr(model, "_session", Spy())
        model.predict(X)
        assert asked == [["label"]]

    def test_content_is_the_model(self, multiclass: Any) -> None:
        import onnx
        import onnxruntime

        X, y = multiclass
        model = to_onnx(
            make_pipeline(LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)).fit(X, y), X
        )
        session = onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])
        labels, probabilities = session.run(None, model.feed(X))
        np.testing.assert_array_equal(labels, model.predict(X))
        assert probabilities.shape == (len(X), 3)
        operators = {node.op_type for node in onnx.load_from_string(model.content).graph.node}
        assert "ZipMap" not in operators

    def test_runs_on_one_thread_in_order(self, binary: Any) -> None:
        import onnxruntime

        X, y = binary
        session = to_onnx(LogisticRegression().fit(X, y), X)._session
        options = session.get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
        assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        assert session.get_providers() == ["CPUExecutionProvider"]

    @pytest.mark.parametrize("family", ["hist_gradient_boosting", "lightgbm", "random_forest"])
    def test_content_is_the_same_every_time(self, family: str, mixed: Any) -> None:
        X, y = mixed
        model = fitted(family, X, y, spaces.tabular)
        content = to_onnx(model, X).content
        assert to_onnx(model, X).content == content
        assert to_onnx(pickle.loads(pickle.dumps(model)), X[10:40]).content == content

    def test_content_does_not_depend_on_earlier_conversions(self, multiclass: Any) -> None:
        X, y = multiclass
        model = KNeighborsClassifier(weights="distance").fit(X, y)
        contents = {to_onnx(model, X).content for _ in range(3)}
        assert len(contents) == 1

    @pytest.mark.parametrize("family", ["hist_gradient_boosting", "lightgbm", "decision_tree"])
    def test_leaves_the_model_alone(self, family: str, mixed: Any) -> None:
        X, y = mixed
        model = fitted(family, X, y, spaces.tabular)
        size, expected = model_size(model), model.predict(X)
        to_onnx(model, X)
        assert model_size(model) == size
        np.testing.assert_array_equal(model.predict(X), expected)


class TestNotConvertible:
    @pytest.mark.parametrize(
        ("model", "reason"),
        [
            (DummyClassifier(), "shape calculator for type.*DummyClassifier"),
            (
                make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()),
                "FunctionTransformer is not supported",
            ),
            (KNeighborsClassifier(weights=np.exp), "weights is callable"),
        ],
    )
    def test_says_what_has_no_converter(self, model: Any, reason: str, binary: Any) -> None:
        X, y = binary
        with pytest.raises(
            NotConvertibleError, match=f"cannot be converted to ONNX: .*{reason}"
        ) as caught:
            to_onnx(model.fit(X, y), X)
        assert "\n" not in str(caught.value)
        assert "leave such structures out of the space" in str(caught.value)

    def test_text_where_the_model_takes_numbers(self, mixed: Any) -> None:
        X, y = mixed[0][["plan", "visits"]], mixed[1]
        model = LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1).fit(X, y)
        with pytest.raises(NotConvertibleError, match="at most 1 input"):
            to_onnx(model, X)

    def test_warnings_for_the_converters_authors_are_kept_back(self, multiclass: Any) -> None:
        X, y = multiclass  # skl2onnx reads an attribute of SVC that scikit-learn 1.9 gives up
        assert_same(SVC().fit(X, y), X)


class TestParity:
    def other(self, model: Any, X: np.ndarray, change: Any, rows: int) -> Any:
        """Let a fitted model predict something else in its first rows than what it converts to."""
        predicted = model.predict(X)
        predicted[:rows] = change(predicted[:rows])
        model.predict = lambda X: predicted
        return model

    @pytest.mark.parametrize(
        ("rows", "misses", "passes"),
        [
            (10, 1, False),
            (19, 1, False),
            (20, 1, True),
            (90, 1, True),
            (90, 2, False),
            (300, 3, True),
            (300, 4, False),
        ],
    )
    def test_classes_agree_in_99_percent(
        self, rows: int, misses: int, passes: bool, binary: Any
    ) -> None:
        X = np.resize(binary[0], (rows, 4))
        model = self.other(LogisticRegression().fit(*binary), X, lambda y: 1 - y, misses)
        if passes:
            to_onnx(model, X)
            return
        wrong = f"{misses / rows:.1%} of {rows} rows"
        with pytest.raises(NotConvertibleError, match=f"predicts otherwise .* in {wrong}"):
            to_onnx(model, X)

    @pytest.mark.parametrize(("part", "passes"), [(5e-4, True), (2e-3, False)])
    def test_numbers_agree_to_a_thousandth_of_their_spread(
        self, part: float, passes: bool, regression: Any
    ) -> None:
        X, y = regression
        shift = part * LinearRegression().fit(X, y).predict(X).std()
        model = self.other(LinearRegression().fit(X, y), X, lambda y: y + shift, len(X))
        if passes:
            to_onnx(model, X)
            return
        with pytest.raises(NotConvertibleError, match=r"in 100.0% of 90 rows"):
            to_onnx(model, X)

    def test_numbers_that_hardly_vary(self, regression: Any) -> None:
        X, y = regression
        model = Ridge(alpha=1e15).fit(X, y + 100)
        np.testing.assert_allclose(to_onnx(model, X).predict(X), (y + 100).mean())

    def test_missing_numbers_do_not_agree(self, regression: Any) -> None:
        X, y = regression
        model = self.other(LinearRegression().fit(X, y), X, lambda y: y * np.nan, 2)
        with pytest.raises(NotConvertibleError, match="predicts otherwise"):
            to_onnx(model, X)


@pytest.mark.parametrize("package", ["onnxmltools", "onnxruntime", "skl2onnx"])
def test_missing_packages(package: str, monkeypatch: Any, binary: Any) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ArgumentError, match=rf'{package}.*: pip install "optistruct\[onnx\]"'):
        to_onnx(LogisticRegression().fit(*binary), binary[0])
