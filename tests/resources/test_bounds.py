"""Tests of optistruct.resources.bounds: a bound is never wrong, and exact where it claims to be."""

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVR
from sklearn.tree import DecisionTreeClassifier

from optistruct import objectives, spaces
from optistruct.evaluation import make_plan
from optistruct.resources import (
    Bounds,
    Cost,
    Table,
    bound_cost,
    count_operations,
    count_parameters,
    stored_arrays,
)


def shape(X: Any, y: np.ndarray) -> Table:
    classes = 0 if y.dtype.kind == "f" else len(set(y.tolist()))
    return Table(
        Bounds(X.shape[0], X.shape[0]),
        Bounds(X.shape[1], X.shape[1]),
        Bounds(classes, classes),
        is_dense=not sparse.issparse(X),
    )


def in_bins(X: Any) -> Any:
    return X.fillna(0).astype(int).astype("category")


EXACT = [
    LogisticRegression(),
    LogisticRegression(fit_intercept=False),
    SGDClassifier("log_loss", random_state=0),
    MLPClassifier((7, 5), max_iter=2),
    MLPClassifier(6, max_iter=2),
    KNeighborsClassifier(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(RobustScaler(with_centering=False), "passthrough", LogisticRegression()),
    make_pipeline(PCA(2), KNeighborsClassifier()),
    make_pipeline(SelectKBest(k=3), MLPClassifier((4,), max_iter=2)),
    make_pipeline(SimpleImputer(keep_empty_features=True), LogisticRegression()),
    make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0, 2])], remainder="passthrough"),
        LogisticRegression(),
    ),
]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("structure", EXACT, ids=str)
def test_is_exact_where_the_shape_says_it_all(
    structure: Any, task: str, request: pytest.FixtureRequest
) -> None:
    X, y = request.getfixturevalue(task)
    model = structure.fit(X, y)
    total, operations = count_parameters(model).total, count_operations(model)
    cost = bound_cost(structure, shape(X, y))
    assert cost == Cost(Bounds(total, total), Bounds(operations, operations))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    "structure", [Ridge(), Lasso(0.1), MLPRegressor(hidden_layer_sizes=(3,), max_iter=2)]
)
def test_is_exact_for_regressions_too(structure: Any, regression: Any) -> None:
    X, y = regression
    model = structure.fit(X, y)
    cost = bound_cost(structure, shape(X, y))
    assert cost.parameters == Bounds(*[count_parameters(model).total] * 2)
    assert cost.operations == Bounds(*[count_operations(model)] * 2)


TREES = [
    DecisionTreeClassifier(max_depth=3),
    DecisionTreeClassifier(max_leaf_nodes=5),
    DecisionTreeClassifier(min_samples_leaf=20),
    DecisionTreeClassifier(min_samples_leaf=0.2),
    DecisionTreeClassifier(),
    RandomForestClassifier(6, max_depth=2),
    HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=3, min_samples_leaf=5),
    LGBMClassifier(n_estimators=5, num_leaves=4, min_child_samples=5, verbose=-1),
    LGBMClassifier(n_estimators=5, max_depth=2, min_child_samples=5, verbose=-1),
]


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("structure", TREES, ids=str)
def test_holds_what_trees_turn_out_to_be(
    structure: Any, task: str, request: pytest.FixtureRequest
) -> None:
    X, y = request.getfixturevalue(task)
    model = structure.fit(X, y)
    cost = bound_cost(structure, shape(X, y))
    assert 1 <= cost.parameters.low <= count_parameters(model).total <= cost.parameters.high
    assert cost.parameters.high < math.inf
    assert cost.operations.low <= count_operations(model) <= cost.operations.high < math.inf


def test_the_upper_bound_of_a_full_tree_is_met(binary: Any) -> None:
    X = np.arange(8.0)[:, None]
    y = np.arange(8.0)
    model = ExtraTreesRegressor(3, max_depth=3, random_state=0)
    cost = bound_cost(model, shape(X, y))
    assert cost.parameters == Bounds(3, 3 * (3 * 7 + 8))
    assert cost.operations == Bounds(0, 3 * 3)


@pytest.mark.parametrize(
    "structure",
    [
        GaussianNB(),
        LGBMClassifier(num_iterations=4),
        make_pipeline(PolynomialFeatures(), LogisticRegression()),
    ],
    ids=str,
)
def test_knows_when_it_does_not_know(structure: Any, binary: Any) -> None:
    cost = bound_cost(structure, shape(*binary))
    assert cost.parameters.high == math.inf
    assert cost.parameters.low <= 1


def test_a_regression_of_classes_has_one_output(multiclass: Any) -> None:
    X, y = multiclass
    numbers = np.unique(y, return_inverse=True)[1]
    table = shape(X, y)
    for structure in (
        Ridge(),
        MLPRegressor(hidden_layer_sizes=(3,), max_iter=2),
        ExtraTreesRegressor(2, max_depth=2),
        make_pipeline(StandardScaler(), LinearSVR()),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            total = count_parameters(structure.fit(X, numbers)).total
        bounds = bound_cost(structure, table).parameters
        assert bounds.low <= total <= bounds.high


def test_a_type_with_a_definition_of_its_own_has_no_bounds(binary: Any) -> None:
    class Own(LogisticRegression):
        pass

    assert bound_cost(Own(), shape(*binary)).parameters == Bounds(5, 5)
    stored_arrays.register(Own, lambda model: {"coef": model.coef_})
    assert bound_cost(Own(), shape(*binary)) == Cost()


def test_a_step_of_the_user_s_own_kind_has_no_bounds(binary: Any) -> None:
    class First(StandardScaler):
        def transform(self, X: Any) -> Any:
            return super().transform(X)[:, :1]

        def fit_transform(self, X: Any, y: Any = None) -> Any:
            return self.fit(X).transform(X)

    model = make_pipeline(First(), LogisticRegression()).fit(*binary)
    cost = bound_cost(model, shape(*binary))
    assert cost.parameters.low <= count_parameters(model).total <= cost.parameters.high
    assert cost.operations.low <= count_operations(model) <= cost.operations.high


def test_a_function_costs_nothing_and_may_hand_on_anything(mixed: Any) -> None:
    X, y = mixed[0][["age", "visits"]], mixed[1]
    table = replace(shape(X, np.zeros(len(y), int)), classes=Bounds(2, 2))
    tree, boosting = DecisionTreeClassifier(max_depth=3), LGBMClassifier(n_estimators=2, verbose=-1)
    through = make_pipeline(FunctionTransformer(np.positive), tree)
    assert bound_cost(through, table) == bound_cost(tree, table)
    bins = FunctionTransformer(in_bins)
    for step in (bins, ColumnTransformer([("bins", bins, [0, 1])]).set_output(transform="pandas")):
        model = make_pipeline(step, boosting).fit(X, y)
        bounds = bound_cost(model, table).parameters
        assert bounds == Bounds(1, math.inf)
        assert count_parameters(model).total >= 1


def test_a_scaler_that_does_nothing_behind_an_unknown_width(binary: Any) -> None:
    scaler = StandardScaler(with_mean=False, with_std=False)
    model = make_pipeline(FunctionTransformer(), scaler, DecisionTreeClassifier(max_depth=3))
    assert bound_cost(model, shape(*binary)) == bound_cost(model[-1], shape(*binary))


@pytest.mark.parametrize("columns", [(["a"], [0]), ([-1], [3])], ids=str)
def test_a_column_that_is_told_in_two_ways(columns: tuple[Any, Any], binary: Any) -> None:
    X = pd.DataFrame(binary[0], columns=list("abcd"))
    scalers = [(str(each), StandardScaler(), each) for each in columns]
    model = make_pipeline(
        ColumnTransformer(scalers, remainder="passthrough"), LogisticRegression()
    ).fit(X, binary[1])
    bounds = bound_cost(model, shape(*binary)).parameters
    assert bounds.low <= count_parameters(model).total <= bounds.high


@pytest.mark.parametrize(
    "structure",
    [
        SimpleImputer(strategy="constant", fill_value=0, keep_empty_features=True),
        ColumnTransformer(
            [("mask", StandardScaler(), list(np.array([True, False, False, False])))]
        ),
    ],
    ids=str,
)
def test_never_claims_more_than_a_step_stores(structure: Any, binary: Any) -> None:
    X, y = binary
    model = make_pipeline(structure, LogisticRegression()).fit(X, y)
    assert bound_cost(model, shape(X, y)).parameters.low <= count_parameters(model).total


def test_few_large_leaves_may_be_many(binary: Any) -> None:
    tree = ExtraTreesRegressor(1, min_samples_leaf=0.1)
    assert bound_cost(tree, shape(*binary)).operations.high == 9


def test_counts_the_least_that_one_hot_columns_can_be(mixed: Any) -> None:
    X, y = mixed
    table = replace(shape(np.zeros(X.shape), np.zeros(len(y), int)), classes=Bounds(2, 2))
    columns = ColumnTransformer([("one_hot", OneHotEncoder(), ["city", "plan"])])
    low = bound_cost(make_pipeline(columns, LogisticRegression()), table).parameters
    assert low == Bounds(2 + 2 + 1, math.inf)


def test_a_sparse_table_may_store_less(binary: Any) -> None:
    X, y = binary
    rows = sparse.csr_array(np.where(X > 1, X, 0))
    cost = bound_cost(KNeighborsClassifier(), shape(rows, y))
    assert cost.parameters.low == len(y)
    assert cost.parameters.low <= count_parameters(KNeighborsClassifier().fit(rows, y)).total


def test_sets_of_categories_leave_boosting_open_above(binary: Any) -> None:
    table = replace(shape(*binary), has_categories=True)
    for structure in (HistGradientBoostingClassifier(), LGBMClassifier()):
        assert bound_cost(structure, table).parameters.high == math.inf


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", spaces.FAMILIES)
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_holds_for_whatever_a_space_proposes(
    family: str, task: str, request: pytest.FixtureRequest
) -> None:
    X, y = request.getfixturevalue(task)
    problem = spaces.Problem.from_data(X, y)
    space = spaces.pipeline(spaces.scaler, spaces.selector, spaces.FAMILIES[family])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(6):
        structure = spaces.build(space, study.ask(), problem, 0)
        cost = bound_cost(structure, shape(X, y))
        model = structure.fit(X, y)
        assert cost.parameters.low <= count_parameters(model).total <= cost.parameters.high
        assert cost.operations.low <= count_operations(model) <= cost.operations.high


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", spaces.FAMILIES)
def test_holds_behind_the_preparation_of_a_mixed_table(family: str, mixed: Any) -> None:
    X, y = mixed
    problem = spaces.Problem.from_data(X, y)
    table = make_plan(X, y, [objectives.Score("accuracy")], problem, [(np.arange(60),) * 2]).table
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(4):
        structure = spaces.build(spaces.tabular(spaces.FAMILIES[family]), study.ask(), problem, 0)
        cost = bound_cost(structure, table)
        model = structure.fit(X.iloc[:60], y[:60])
        assert cost.parameters.low <= count_parameters(model).total <= cost.parameters.high
        assert cost.operations.low <= count_operations(model) <= cost.operations.high


def test_lightgbm_may_make_smaller_leaves_than_it_was_told() -> None:
    """Its numbers of rows in a leaf are estimates."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(59, 6))
    y = (X[:, 0] + rng.normal(size=59) > 0).astype(int)
    model = LGBMClassifier(
        n_estimators=30, learning_rate=0.3, min_child_samples=20, class_weight={0: 1, 1: 10},
        verbose=-1,
    )  # fmt: skip
    known = Table(rows=Bounds(59, 59), features=Bounds(6, 6), classes=Bounds(2, 2))
    total = count_parameters(model.fit(X, y)).total
    bounds = bound_cost(model, known).parameters
    assert bounds.low <= total <= bounds.high


def test_of_what_is_no_estimator_of_scikit_learn_nothing_is_known() -> None:
    class Duck:
        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return {}

    known = Table(rows=Bounds(9, 9), features=Bounds(2, 2), classes=Bounds(2, 2))
    assert bound_cost(Duck(), known) == Cost()
