"""Tests of optistruct.spaces.tabular."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from optuna.trial import FixedTrial
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct.exceptions import SpaceError
from optistruct.spaces import Problem, build, tabular
from optistruct.spaces.tabular import as_categories

Mixed = tuple[pd.DataFrame, np.ndarray]


def boosting(trial: Any) -> Any:
    return LGBMClassifier(n_estimators=8, min_child_samples=3, n_jobs=1, verbose=-1)


def histogram(trial: Any) -> Any:
    return HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=3, early_stopping=False)


def tree(trial: Any) -> Any:
    return DecisionTreeClassifier(max_depth=4)


def linear(trial: Any) -> Any:
    return LogisticRegression()


SPACES = [boosting, histogram, tree, linear]


def fit(space: Any, X: Any, y: Any) -> Any:
    return build(tabular(space), FixedTrial({}), Problem.from_data(X, y), 0).fit(X, y)


@pytest.fixture
def by_city() -> Mixed:
    """The city alone decides, and not in the order of its name."""
    rng = np.random.default_rng(0)
    cities = rng.choice(["a", "b", "c", "d", "e"], 200)
    frame = pd.DataFrame({"noise": rng.normal(size=200), "city": cities})
    frame.loc[::9, "city"] = None
    return frame, np.isin(cities, ["b", "d"]) & frame["city"].notna().to_numpy()


class TestWhatIsPutBefore:
    def test_a_model_that_takes_everything_stays_alone(self) -> None:
        X = np.random.default_rng(0).normal(size=(40, 3))
        X[3, 1] = np.nan
        y = X[:, 0] > 0
        assert [type(step) for step in fit(boosting, X, y)][1:] == [LGBMClassifier]
        assert isinstance(fit(tree, X, y), DecisionTreeClassifier)

    def test_lightgbm_splits_on_sets_of_categories(self, by_city: Mixed) -> None:
        model = fit(boosting, *by_city)
        dumped = model["model"].booster_.dump_model()
        first = dumped["tree_info"][0]["tree_structure"]
        assert first["decision_type"] == "=="
        assert dumped["feature_names"] == ["0", "1"]
        assert model.score(*by_city) > 0.7

    def test_histogram_boosting_splits_on_sets_of_categories(self, by_city: Mixed) -> None:
        model = fit(histogram, *by_city)
        assert model["model"].is_categorical_.tolist() == [True, False]
        assert model["model"]._predictors[0][0].nodes["is_categorical"].any()
        np.testing.assert_array_equal(model.predict(by_city[0]), by_city[1])

    def test_trees_get_whole_numbers(self, by_city: Mixed) -> None:
        model = fit(tree, *by_city)
        codes = model["codes"].transform(by_city[0])
        known = codes[~np.isnan(codes[:, 0]), 0]
        assert set(known) == {0, 1, 2, 3, 4}
        np.testing.assert_array_equal(np.isnan(codes[:, 0]), by_city[0]["city"].isna())
        np.testing.assert_array_equal(codes[:, 1], by_city[0]["noise"])

    def test_columns_keep_their_names(self, by_city: Mixed) -> None:
        names = fit(tree, *by_city)["codes"].get_feature_names_out()
        assert names.tolist() == ["categories__city", "remainder__noise"]

    def test_others_get_a_column_a_category_and_numbers_on_one_scale(self, by_city: Mixed) -> None:
        X, y = by_city
        model = fit(linear, X.assign(noise=1000 + 50 * X["noise"]), y)
        prepared = model["prepare"].transform(X.assign(noise=1000 + 50 * X["noise"]))
        assert prepared.shape == (200, 7)  # five cities, no city, noise
        assert set(prepared[:, :6].ravel()) == {0, 1}
        assert prepared[:, 6].mean() == pytest.approx(0)
        assert prepared[:, 6].std() == pytest.approx(1)

    def test_numbers_get_the_median_where_they_are_missing(self) -> None:
        X = np.array([[1.0], [3.0], [np.nan], [100.0], [2.0], [4.0]])
        prepared = fit(linear, X, [0, 1, 0, 1, 0, 1])["prepare"].transform(X)
        assert prepared[2] == fit(linear, X, [0, 1, 0, 1, 0, 1])["prepare"].transform([[3.0]])
        assert prepared[2] == prepared[1]

    def test_rare_categories_share_a_column(self) -> None:
        rng = np.random.default_rng(0)
        X = pd.DataFrame({"id": [f"u{i // 2}" for i in range(120)], "n": rng.normal(size=120)})
        model = fit(linear, X, rng.random(120) < 0.5)
        assert model["prepare"].transform(X).shape == (120, 31)


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(monotonic_cst=[1, 0, 0, 0, -1]),
        HistGradientBoostingClassifier(categorical_features=[1]),
        LGBMClassifier(monotone_constraints=[1, 0, 0, 0, -1]),
        LGBMClassifier(mc=[1, 0, 0, 0, -1]),
        make_pipeline(
            StandardScaler(), HistGradientBoostingClassifier(interaction_cst=[{0}, {1, 2, 3, 4}])
        ),
    ],
    ids=["monotonic", "categories", "lightgbm", "by another name", "pipeline"],
)
def test_what_goes_by_the_places_of_columns_is_refused(model: Any, mixed: Mixed) -> None:
    problem = Problem.from_data(*mixed)
    with pytest.raises(SpaceError, match="tabular puts categories before numbers: leave it out"):
        build(tabular(lambda trial: model), FixedTrial({}), problem, 0)


def test_what_goes_by_no_place_is_not(mixed: Mixed) -> None:
    problem = Problem.from_data(*mixed)
    model = BaggingClassifier(HistGradientBoostingClassifier(interaction_cst="pairwise"))
    made = build(tabular(lambda trial: model), FixedTrial({}), problem, 0)
    assert isinstance(made["model"], BaggingClassifier)


@pytest.mark.parametrize("space", SPACES)
class TestPrediction:
    def test_an_unseen_category_is_no_error(self, space: Any, mixed: Mixed) -> None:
        X, y = mixed
        model = fit(space, X, y)
        unseen = X.assign(city="Oslo")
        assert set(model.predict(unseen)) <= {"yes", "no"}
        if space is not linear:  # where it counts as none of the known ones
            np.testing.assert_array_equal(
                model.predict_proba(unseen), model.predict_proba(X.assign(city=None))
            )

    def test_takes_single_rows_and_any_order_of_rows(self, space: Any, mixed: Mixed) -> None:
        X, y = mixed
        model = fit(space, X, y)
        together = model.predict_proba(X)
        alone = np.vstack([model.predict_proba(X.iloc[[row]]) for row in range(0, 90, 10)])
        np.testing.assert_allclose(alone, together[::10])
        np.testing.assert_allclose(model.predict_proba(X.iloc[::-1]), together[::-1])

    def test_does_not_change_the_table(self, space: Any, mixed: Mixed) -> None:
        X, y = mixed
        before = X.copy()
        fit(space, X, y).predict(X)
        pd.testing.assert_frame_equal(X, before)

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series([True, False, None] * 30, dtype=object),
            pd.Series([True, None, False] * 30, dtype="boolean"),
            pd.Series(["q", "r", "s"] * 30, dtype="string"),
            pd.Series([3, 1, None] * 30, dtype="Int64"),
            pd.Series(pd.Categorical([3, 1, 2] * 30)),
            pd.Series([1.5, 2.5, None] * 30, dtype="Float64"),
        ],
        ids=lambda column: str(column.dtype),
    )
    def test_takes_every_type_of_column(
        self, space: Any, column: "pd.Series[Any]", mixed: Mixed
    ) -> None:
        X, y = mixed[0][["age"]].assign(column=column), mixed[1]
        assert set(fit(space, X, y).predict(X)) <= {"yes", "no"}

    def test_takes_gaps_in_nullable_numbers_beside_other_columns(
        self, space: Any, mixed: Mixed
    ) -> None:
        X, y = mixed
        nullable = X.assign(
            age=X["age"].astype("Float64"), visits=X["visits"].mask(X["visits"] > 7).astype("Int64")
        )
        assert nullable[["age", "visits"]].isna().any().all()
        floats = nullable.astype({"age": float, "visits": float})
        np.testing.assert_array_equal(
            fit(space, nullable, y).predict_proba(nullable),
            fit(space, floats, y).predict_proba(floats),
        )

    def test_takes_gaps_in_nullable_numbers_beside_an_empty_column(
        self, space: Any, mixed: Mixed
    ) -> None:
        X, y = mixed[0][["age"]].astype("Float64").assign(empty=np.nan), mixed[1]
        assert set(fit(space, X, y).predict(X)) <= {"yes", "no"}


def test_as_categories_leaves_other_columns_alone() -> None:
    X = np.array([[0.0, 1.0], [1.0, 2.0], [np.nan, 3.0]])
    made = as_categories(X, count=1)
    assert [str(kind) for kind in made.dtypes] == ["category", "float64"]
    assert made["0"].cat.categories.tolist() == [0, 1]
    assert made["0"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("space", [boosting, histogram, tree, linear], ids=lambda s: s.__name__)
@pytest.mark.parametrize("names", [[3, 1], [1, 0], ["income [usd]", 'say "x"'], ["a,b", "{x}:"]])
def test_takes_any_column_names(space: Any, names: list[Any], mixed: Mixed) -> None:
    X, y = mixed[0][["city", "age"]].set_axis(names, axis=1), mixed[1]
    assert set(fit(space, X, y).predict(X)) <= {"yes", "no"}
    assert set(fit(space, X[names[1:]], y).predict(X[names[1:]])) <= {"yes", "no"}


def test_seeds_the_model_inside() -> None:
    X = pd.DataFrame({"c": list("ab") * 10})
    model = build(tabular(tree), FixedTrial({}), Problem.from_data(X, [0, 1] * 10), 13)
    assert isinstance(model, Pipeline)
    assert model["model"].random_state == 13


def test_the_space_inside_sees_the_columns_that_are_left() -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3))).assign(empty=np.nan)
    seen: list[Problem] = []

    def space(trial: Any, problem: Problem) -> Any:
        seen.append(problem)
        return DecisionTreeClassifier()

    build(tabular(space), FixedTrial({}), Problem.from_data(X, [0, 1] * 10), 0)
    assert (seen[0].features, seen[0].empty) == (3, ())
