"""Every quick score gives what scikit-learn's scorer of its name gives, or leaves it to that."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge
from sklearn.metrics import get_scorer
from sklearn.tree import DecisionTreeClassifier

from optistruct.objectives import Score
from optistruct.objectives.quick_scores import Alone, quick_scores
from optistruct.submodels import Answers, Submodels, submodels_of

CLASSES = ("accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc")
NUMBERS = (
    "r2",
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
)
TRAIN, TEST = slice(0, None, 2), slice(1, None, 2)


def by_scorer(scoring: str, nest: Submodels, X: Any, y: Any) -> list[float]:
    return [get_scorer(scoring)(one.materialize(), X, y) for one in nest]


def check(scoring: str, nest: Submodels, X: Any, y: Any) -> None:
    scores = quick_scores(scoring, Answers(nest, X), y)
    assert scores is not None
    assert scores.shape == (len(nest),)
    np.testing.assert_array_equal(scores, by_scorer(scoring, nest, X, y))


def check_score(scoring: str, nest: Submodels, X: Any, y: Any) -> None:
    """Compare what the objective measures, be it the quick way or not."""
    score = Score(scoring)
    sign = -1 if scoring.startswith("neg_") else 1
    expected = sign * np.array(by_scorer(scoring, nest, X, y))
    np.testing.assert_array_equal(score.measure_each(nest, X, y), expected)


def forest(X: Any, y: Any) -> Submodels:
    model = RandomForestClassifier(12, max_depth=3, random_state=0).fit(X, y)
    return submodels_of(model).among([1, 2, 5, 12])


@pytest.mark.parametrize("scoring", CLASSES)
class TestTwoClasses:
    @pytest.mark.parametrize("labels", [(0, 1), (-1, 1), (False, True), ("no", "yes"), (1, 2)])
    def test_of_any_kind(self, scoring: str, labels: Any, binary: Any) -> None:
        X, y = binary
        y = np.array(labels)[y]
        check(scoring, forest(X[TRAIN], y[TRAIN]), X[TEST], y[TEST])

    def test_as_a_column_of_pandas(self, scoring: str, binary: Any) -> None:
        X, y = binary
        table, target = pd.DataFrame(X).add_prefix("x"), pd.Series(np.array(["no", "yes"])[y])
        nest = forest(table[TRAIN], target[TRAIN])
        check(scoring, nest, table[TEST], target[TEST])

    def test_of_a_model_that_decides(self, scoring: str, binary: Any) -> None:
        X, y = binary
        model = AdaBoostClassifier(n_estimators=9, random_state=0).fit(X[TRAIN], y[TRAIN])
        check(scoring, submodels_of(model).among([1, 4, 9]), X[TEST], y[TEST])

    def test_of_a_pruned_tree(self, scoring: str, binary: Any) -> None:
        X, y = binary
        model = DecisionTreeClassifier(random_state=0).fit(X[TRAIN], y[TRAIN])
        check(scoring, submodels_of(model), X[TEST], y[TEST])

    def test_of_one_submodel(self, scoring: str, binary: Any) -> None:
        X, y = binary
        check(scoring, forest(X[TRAIN], y[TRAIN]).among([12]), X[TEST], y[TEST])


@pytest.mark.parametrize("scoring", CLASSES[:3])
@pytest.mark.parametrize("kind", ["text", "numbers"])
def test_three_classes(scoring: str, kind: str, multiclass: Any) -> None:
    X, y = multiclass if kind == "text" else load_iris(return_X_y=True)
    check(scoring, forest(X[TRAIN], y[TRAIN]), X[TEST], y[TEST])


def test_the_area_of_three_classes_is_left_to_the_scorer(multiclass: Any) -> None:
    X, y = multiclass
    nest = forest(X[TRAIN], y[TRAIN])
    assert quick_scores("roc_auc", Answers(nest, X[TEST]), y[TEST]) is None


@pytest.mark.parametrize("scoring", NUMBERS)
class TestNumbers:
    def test_of_a_forest(self, scoring: str) -> None:
        X, y = load_diabetes(return_X_y=True)
        model = RandomForestRegressor(12, max_depth=4, random_state=0).fit(X[TRAIN], y[TRAIN])
        check(scoring, submodels_of(model).among([1, 2, 5, 12]), X[TEST], y[TEST])

    def test_of_a_bagging_and_a_column_of_pandas(self, scoring: str, regression: Any) -> None:
        X, y = pd.DataFrame(regression[0]).add_prefix("x"), pd.Series(regression[1])
        model = BaggingRegressor(n_estimators=5, random_state=0).fit(X[TRAIN], y[TRAIN])
        check(scoring, submodels_of(model).among([2, 5]), X[TEST], y[TEST])

    def test_targets_that_are_all_equal(self, scoring: str, regression: Any) -> None:
        X, y = regression
        model = RandomForestRegressor(5, random_state=0).fit(X[TRAIN], y[TRAIN])
        nest = submodels_of(model).among([1, 5])
        check(scoring, nest, X[TEST], np.full(len(y[TEST]), 0.25))


def test_of_one_row_there_is_no_r2(regression: Any) -> None:
    X, y = regression
    model = Ridge().fit(X, y)
    assert quick_scores("r2", Alone(model, X[:1]), y[:1]) is None
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(Score("r2").measure(model, X[:1], y[:1]))


@pytest.mark.parametrize("scoring", CLASSES)
class TestAFoldWithoutAClass:
    """The held-out rows, or those of the fit, lack a class: the scorer's ways are its own."""

    @pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
    def test_held_out(self, scoring: str, binary: Any) -> None:
        X, y = binary
        nest = forest(X, y)
        only = y == 1
        if scoring == "neg_log_loss":
            assert quick_scores(scoring, Answers(nest, X[only]), y[only]) is None
            with pytest.raises(ValueError, match="y_true contains only one label"):
                Score(scoring).measure_each(nest, X[only], y[only])
        elif scoring == "roc_auc":
            assert quick_scores(scoring, Answers(nest, X[only]), y[only]) is None
            with pytest.warns(UserWarning, match="Only one class is present"):
                measured = Score(scoring).measure_each(nest, X[only], y[only])
            assert np.isnan(measured).all()
        else:
            check(scoring, nest, X[only], y[only])

    @pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
    def test_held_out_of_three(self, scoring: str, multiclass: Any) -> None:
        X, y = multiclass
        nest = forest(X, y)
        two = y != "mid"
        if scoring in CLASSES[:2]:
            check_score(scoring, nest, X[two], y[two])
        else:
            assert quick_scores(scoring, Answers(nest, X[two]), y[two]) is None

    def test_unknown_to_the_model(self, scoring: str, multiclass: Any) -> None:
        X, y = multiclass
        known = y != "mid"
        nest = forest(X[known], y[known])
        if scoring in CLASSES[:2]:
            check(scoring, nest, X, y)
        else:
            assert quick_scores(scoring, Answers(nest, X), y) is None


class TestAModelAlone:
    """It is scored the quick way, too, and otherwise by the scorer, with the errors of that."""

    @pytest.mark.parametrize("scoring", CLASSES)
    def test_of_two_classes(self, scoring: str, binary: Any) -> None:
        X, y = binary
        for model in (LogisticRegression(), RandomForestClassifier(5, random_state=0)):
            check_alone(scoring, model.fit(X[TRAIN], y[TRAIN]), X[TEST], y[TEST])

    @pytest.mark.parametrize("scoring", CLASSES[:3])
    def test_of_many_classes(self, scoring: str) -> None:
        X, y = load_digits(return_X_y=True)
        model = RandomForestClassifier(9, random_state=0).fit(X[TRAIN], y[TRAIN])
        check_alone(scoring, model, X[TEST], y[TEST])

    @pytest.mark.parametrize("scoring", NUMBERS)
    def test_of_numbers(self, scoring: str) -> None:
        X, y = load_diabetes(return_X_y=True)
        check_alone(scoring, Ridge().fit(X[TRAIN], y[TRAIN]), X[TEST], y[TEST])

    @pytest.mark.parametrize("chances", [[-0.1, 1.1], [0.3, np.nan], [0.5, 0.2]])
    def test_what_are_no_chances(self, chances: Any, binary: Any) -> None:
        X, y = binary
        model = Fixed(np.tile(chances, (len(y), 1))).fit(X, y)
        assert quick_scores("neg_log_loss", Alone(model, X), y) is None

    def test_one_class_only(self, binary: Any) -> None:
        X, y = binary
        model = Fixed(np.ones((len(y), 1))).fit(X, np.zeros(len(y)))
        assert quick_scores("neg_log_loss", Alone(model, X), np.zeros(len(y))) is None

    @pytest.mark.parametrize("odd", [0.5, np.nan])
    def test_fractions_for_labels(self, odd: float, binary: Any) -> None:
        X, y = binary
        y = y.astype(float)
        model = LogisticRegression().fit(X, y)
        check_alone("accuracy", model, X, y)
        y[0] = odd
        assert quick_scores("accuracy", Alone(model, X), y) is None

    def test_no_chances(self, binary: Any) -> None:
        X, y = binary
        model = Perceptron().fit(X, y)
        with pytest.raises(AttributeError, match="predict_proba"):
            Score("neg_log_loss").measure(model, X, y)
        check_alone("roc_auc", model, X, y)

    def test_labels_of_a_regressor(self, binary: Any) -> None:
        X, y = binary
        with pytest.raises(ValueError, match="mix of binary and continuous"):
            Score("accuracy").measure(Ridge().fit(X, y), X, y)

    def test_labels_of_another_kind(self, binary: Any) -> None:
        X, y = binary
        model = LogisticRegression().fit(X, np.array(["no", "yes"])[y])
        with pytest.raises(ValueError, match="Mix of label input types"):
            Score("balanced_accuracy").measure(model, X, y)

    def test_a_table_of_targets(self) -> None:
        X, y = load_diabetes(return_X_y=True)
        both = np.column_stack([y, y[::-1]])
        check_alone("r2", Ridge().fit(X, both), X, both, is_quick=False)


class Fixed(ClassifierMixin, BaseEstimator):
    """Gives the same chances whatever it is asked."""

    def __init__(self, chances: Any) -> None:
        self.chances = chances

    def fit(self, X: Any, y: Any) -> "Fixed":
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.chances


def check_alone(scoring: str, model: Any, X: Any, y: Any, *, is_quick: bool = True) -> None:
    assert (quick_scores(scoring, Alone(model, X), y) is not None) == is_quick
    sign = -1 if scoring.startswith("neg_") else 1
    assert Score(scoring).measure(model, X, y) == sign * get_scorer(scoring)(model, X, y)


class TestScore:
    def test_a_scorer_without_a_quick_way_scores_all_the_same(self, multiclass: Any) -> None:
        X, y = multiclass
        nest = forest(X[TRAIN], y[TRAIN])
        assert quick_scores("f1_macro", Answers(nest, X[TEST]), y[TEST]) is None
        for scoring in ("f1_macro", "roc_auc_ovr", "top_k_accuracy"):
            check_score(scoring, nest, X[TEST], y[TEST])

    @pytest.mark.parametrize("scoring", CLASSES)
    def test_the_last_is_scored_as_the_model_itself_to_the_bit(
        self, scoring: str, binary: Any
    ) -> None:
        X, y = binary
        nest = forest(X[TRAIN], y[TRAIN])
        score = Score(scoring)
        measured = score.measure_each(nest, X[TEST], y[TEST])
        assert measured[-1] == score.measure(nest.model, X[TEST], y[TEST])

    def test_losses_lose_their_sign(self, regression: Any) -> None:
        X, y = regression
        model = RandomForestRegressor(5, random_state=0).fit(X[TRAIN], y[TRAIN])
        loss = Score("neg_mean_squared_error")
        measured = loss.measure_each(submodels_of(model), X[TEST], y[TEST])
        assert len(measured) == 5
        assert min(measured) > 0

    def test_a_callable_scores_each(self, binary: Any) -> None:
        def count(model: Any, X: Any, y: Any) -> float:
            return float((model.predict(X) == y).sum()) + model.n_estimators / 100

        X, y = binary
        nest = forest(X[TRAIN], y[TRAIN])
        expected = [count(one.materialize(), X[TEST], y[TEST]) for one in nest]
        assert Score(count).measure_each(nest, X[TEST], y[TEST]) == expected


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_log_loss_of_32_bits(task: str, request: pytest.FixtureRequest) -> None:
    X, y = request.getfixturevalue(task)
    X = X.astype(np.float32)
    model = LogisticRegression().fit(X[::2], y[::2])
    assert model.predict_proba(X).dtype == np.float32
    expected = get_scorer("neg_log_loss")(model, X, y)
    assert Score("neg_log_loss").measure(model, X, y) == -expected
