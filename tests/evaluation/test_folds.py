"""The rows of the folds and their preparation, made once for all structures."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import Dataset, LGBMClassifier
from optuna.storages import InMemoryStorage
from optuna.trial import FixedTrial
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, spaces
from optistruct.evaluation import EvaluationPlan, Grid, evaluate, fold_data, make_plan
from optistruct.evaluation.folds import FoldData, _latest
from optistruct.objectives import Score
from optistruct.spaces import Problem


@pytest.fixture
def plan(binary: Any) -> EvaluationPlan:
    X, y = binary
    return make_plan(X, y, [Score("accuracy")], Problem.from_data(X, y), cv=3)


def scaled(**params: Any) -> Any:
    return make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0, **params))


def fit(data: FoldData, structure: Any, fold: int = 0) -> Any:
    folds = data.of(structure)
    return folds.fit(fold, folds.rows(fold))


def test_rows_are_cut_once(plan: EvaluationPlan) -> None:
    data = FoldData(plan)
    structure = scaled()
    rows = data.of(structure).rows(1)
    assert data.of(structure).rows(1) is rows
    train, test = plan.folds[1]
    np.testing.assert_array_equal(rows.X, plan.X[train])
    np.testing.assert_array_equal(rows.y_test, plan.y[test])


def test_a_preparation_is_fitted_once_a_fold(plan: EvaluationPlan) -> None:
    data = FoldData(plan)
    first, second = fit(data, scaled(max_depth=1)), fit(data, scaled(max_depth=2))
    assert first[0] is second[0]
    assert fit(data, scaled(), fold=1)[0] is not first[0]
    other = make_pipeline(StandardScaler(with_mean=False), DecisionTreeClassifier(random_state=0))
    assert fit(data, other)[0] is not first[0]


def test_what_is_fitted_so_predicts_the_same(plan: EvaluationPlan) -> None:
    data = FoldData(plan)
    fit(data, scaled(max_depth=1))
    rows = data.of(scaled()).rows(0)
    alone = scaled(max_depth=2).fit(rows.X, rows.y)
    together = fit(data, scaled(max_depth=2))
    np.testing.assert_array_equal(
        together.predict_proba(rows.X_test), alone.predict_proba(rows.X_test)
    )


def test_large_tables_are_not_kept(plan: EvaluationPlan, monkeypatch: Any) -> None:
    monkeypatch.setattr("optistruct.evaluation.folds._MOST_BYTES", 10)
    data = FoldData(plan)
    assert data.of(scaled()).rows(0) is not data.of(scaled()).rows(0)
    assert fit(data, scaled())[0] is not fit(data, scaled())[0]


def test_large_prepared_tables_are_not_kept(plan: EvaluationPlan, monkeypatch: Any) -> None:
    """A preparation may make a table much larger than the one it is made of."""
    room = 20 * plan.X.nbytes
    monkeypatch.setattr("optistruct.evaluation.folds._MOST_BYTES", room)
    data = FoldData(plan)
    assert fit(data, scaled())[0] is fit(data, scaled())[0]
    wide = make_pipeline(PolynomialFeatures(6), DecisionTreeClassifier(random_state=0))
    assert fit(data, wide)[0].transform(plan.X).nbytes > room
    first = fit(data, scaled())[0]
    assert fit(data, wide)[0] is not fit(data, wide)[0]
    assert fit(data, scaled())[0] is first


def test_prepared_tables_are_kept_as_long_as_there_is_room(
    plan: EvaluationPlan, monkeypatch: Any
) -> None:
    monkeypatch.setattr("optistruct.evaluation.folds._MOST_BYTES", 7 * plan.X.nbytes // 2)
    data = FoldData(plan)
    other = make_pipeline(StandardScaler(with_mean=False), DecisionTreeClassifier(random_state=0))
    first = [fit(data, scaled(), fold)[0] for fold in range(3)]
    assert [fit(data, scaled(), fold)[0] for fold in range(3)] == first
    for fold in range(3):
        fit(data, other, fold)
    kept = sum(plan.X[plan.folds[fold][0]].nbytes for fold, _ in data._prepared)
    assert 3 * plan.X.nbytes < kept <= 3.5 * plan.X.nbytes
    assert fit(data, scaled(), 0)[0] is not first[0]


def test_a_study_lets_go_of_them_at_its_end(binary: Any) -> None:
    study = StructureStudy(
        spaces.decision_tree, [Score("accuracy")], name="t", storage=InMemoryStorage(), cv=3
    )
    study.optimize(*binary, n_trials=2)
    assert not _latest


def test_a_structure_that_writes_into_its_input_spoils_no_other(plan: EvaluationPlan) -> None:
    careless = make_pipeline(StandardScaler(copy=False), DecisionTreeClassifier(random_state=0))
    before = fold_data(plan).of(scaled()).rows(0).X.copy()
    first = evaluate(careless, plan).values
    np.testing.assert_array_equal(fold_data(plan).of(scaled()).rows(0).X, before)
    assert evaluate(careless, plan).values == first


@pytest.mark.parametrize("trees", [False, True])
def test_what_writes_into_its_input_is_measured_on_rows_of_its_own(
    trees: bool, binary: Any
) -> None:
    """For each objective anew, with submodels and without."""
    X, y = binary[0] * 9 + 40, binary[1]
    by = [Score(name) for name in ("accuracy", "balanced_accuracy", "neg_log_loss")]
    plan = make_plan(X, y, by, Problem.from_data(X, y), cv=3)
    model = RandomForestClassifier(9, random_state=0) if trees else LogisticRegression()
    grid = Grid("n", 9, (3, 6)) if trees else None
    careful, careless = (
        evaluate(make_pipeline(StandardScaler(copy=copy), model), plan, grid)
        for copy in (True, False)
    )
    assert careless.folds == careful.folds
    assert careless.curve == careful.curve
    assert (careful.curve is not None) is trees


def share_of_hits(model: Any, X: Any, y: Any) -> float:
    return float((model.predict(X) == y).mean())


@pytest.mark.parametrize(
    ("model", "grid", "scoring"),
    [
        (MLPClassifier(max_iter=9, random_state=0), None, "accuracy"),  # knows labels otherwise
        (RandomForestClassifier(9, random_state=0), Grid("n", 9, (3, 6)), share_of_hits),
    ],
)
def test_what_writes_into_its_input_is_asked_once_for_the_same_rows(
    model: Any, grid: Grid | None, scoring: Any, binary: Any
) -> None:
    X, y = binary[0] * 9 + 40, np.array(["no", "yes"], dtype=object)[binary[1]]
    plan = make_plan(X, y, [Score(scoring)], Problem.from_data(X, y), cv=3)
    careful, careless = (
        evaluate(make_pipeline(StandardScaler(copy=copy), model), plan, grid)
        for copy in (True, False)
    )
    assert careless.folds == careful.folds
    assert careless.curve == careful.curve


def test_a_function_that_is_told_to_write_spoils_no_other(binary: Any) -> None:
    X, y = binary[0].copy(), binary[1]
    X[::7, 0] = np.nan
    plan = make_plan(X, y, [Score("accuracy")], Problem.from_data(X, y), cv=3)
    filling = FunctionTransformer(np.nan_to_num, kw_args={"copy": False})
    evaluate(make_pipeline(filling, DecisionTreeClassifier(random_state=0)), plan)
    data = fold_data(plan)
    for fold, (train, test) in enumerate(plan.folds):
        np.testing.assert_array_equal(data.rows(fold).X, X[train])
        np.testing.assert_array_equal(data.rows(fold).X_test, X[test])


def test_what_a_shared_preparation_warns_of_is_told_each_structure(binary: Any) -> None:
    X, y = np.column_stack([binary[0], np.ones(len(binary[0]))]), binary[1]
    plan = make_plan(X, y, [Score("accuracy")], Problem.from_data(X, y), cv=3)
    first, second = (
        evaluate(make_pipeline(SelectKBest(k=2), DecisionTreeClassifier(max_depth=depth)), plan)
        for depth in (1, 2)
    )
    assert any("constant" in told for told in first.warnings)
    assert second.warnings == first.warnings


class Silent(DecisionTreeClassifier):
    """Breaks with a custom: its fit returns nothing."""

    def fit(self, X: Any, y: Any) -> Any:
        super().fit(X, y)


def test_a_fit_need_not_return_the_model(plan: EvaluationPlan) -> None:
    silent, usual = (
        evaluate(kind(random_state=0), plan) for kind in (Silent, DecisionTreeClassifier)
    )
    assert silent.values == usual.values
    prepared = make_pipeline(StandardScaler(), Silent(random_state=0))
    assert evaluate(prepared, plan).values == evaluate(scaled(), plan).values


@pytest.mark.parametrize("kind", ["csr", "csc", "lil", "dok", "coo", "dia", "bsr"])
def test_sparse_tables_of_every_format(kind: str, binary: Any) -> None:
    X, y = binary
    by = [Score("accuracy")]
    dense = make_plan(X, y, by, Problem.from_data(X, y), cv=3)
    given = sparse.csr_matrix(X).asformat(kind)
    plan = make_plan(given, y, by, Problem.from_data(given, y), cv=3)
    assert evaluate(LogisticRegression(), plan).values == pytest.approx(
        evaluate(LogisticRegression(), dense).values
    )


def test_data_are_those_of_the_plan_at_hand(plan: EvaluationPlan, binary: Any) -> None:
    X, y = binary
    assert fold_data(plan) is fold_data(plan)
    other = make_plan(X + 1, y, [Score("accuracy")], Problem.from_data(X, y), cv=3)
    np.testing.assert_array_equal(
        fold_data(other).of(scaled()).rows(0).X, (X + 1)[other.folds[0][0]]
    )


def boosted(**params: Any) -> Any:
    return LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1, **params)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize(("room", "sets"), [(2**29, 1), (10, 2)])
def test_lightgbm_bins_a_table_once_where_it_is_kept(
    plan: EvaluationPlan, monkeypatch: Any, prepared: bool, room: int, sets: int
) -> None:
    monkeypatch.setattr("optistruct.evaluation.folds._MOST_BYTES", room)
    made: list[Any] = []
    construct = Dataset._lazy_init
    monkeypatch.setattr(
        Dataset, "_lazy_init", lambda *args, **kw: [made.append(0), construct(*args, **kw)][1]
    )
    data = FoldData(plan)
    structures = [boosted(num_leaves=leaves) for leaves in (3, 9)]
    if prepared:
        structures = [make_pipeline(StandardScaler(), structure) for structure in structures]
    rows = data.of(structures[0]).rows(0)
    models = [fit(data, structure) for structure in structures]
    assert len(made) == sets
    for model, structure in zip(models, structures, strict=True):
        alone = clone(structure).fit(rows.X, rows.y)
        assert pickle.dumps(model) == pickle.dumps(alone)
    fit(data, structures[0], fold=1)
    assert len(made) == sets + 3


def test_code_that_is_known_to_leave_its_input_alone_shares_rows(mixed: Any) -> None:
    X, y = mixed
    problem = Problem.from_data(X, y)
    plan = make_plan(X, y, [Score("accuracy")], problem, cv=3)
    boosting = spaces.tabular(lambda trial: LGBMClassifier())
    logarithm = make_pipeline(FunctionTransformer(np.log1p), DecisionTreeClassifier())
    for structure in (spaces.build(boosting, FixedTrial({}), problem, 0), logarithm):
        data = FoldData(plan)
        assert data.of(structure).rows(0) is data.of(structure).rows(0)


def ratio(table: pd.DataFrame) -> pd.DataFrame:
    table["ratio"] = table["a"] / (1 + table["b"].abs())
    return table


class Careless(TransformerMixin, BaseEstimator):
    """Works in the table that it is given."""

    def fit(self, X: Any, y: Any = None) -> "Careless":
        return self

    def transform(self, X: Any) -> Any:
        X["a"] = -X["b"]
        return X


@pytest.mark.parametrize("step", [FunctionTransformer(ratio), Careless()], ids=["function", "own"])
def test_code_that_writes_into_its_input_spoils_no_other(binary: Any, step: Any) -> None:
    X, y = pd.DataFrame(binary[0], columns=[*"abcd"]), binary[1]
    plan = make_plan(X, y, [Score("accuracy")], Problem.from_data(X, y), cv=3)
    tree = DecisionTreeClassifier(random_state=0)
    careless = make_pipeline(step, tree)
    before = evaluate(tree, plan).folds
    expected = cross_val_score(careless, X.copy(), y, cv=3)
    for _ in range(2):
        np.testing.assert_array_equal(evaluate(careless, plan).folds["accuracy"], expected)
        assert evaluate(tree, plan).folds == before
