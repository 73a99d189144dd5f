"""Stand-ins for submodels: scorers take them for fitted models, and nothing is built for them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import get_scorer

from optistruct.submodels import Answers, Method, StandIn
from optistruct.submodels.families.adaboost import AdaBoostSubmodels
from optistruct.submodels.families.forests import ForestSubmodels


class Counted(ForestSubmodels):
    """Counts its passes and what it builds."""

    def __init__(self, model: Any, values: Any = None) -> None:
        super().__init__(model, values)
        self.calls: Counter[str] = Counter()

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        self.calls[method] += 1
        return super().responses(X, method)

    def materialize(self, value: int) -> Any:
        self.calls["materialize"] += 1
        return super().materialize(value)


@pytest.fixture
def nest(multiclass: Any) -> Counted:
    X, y = multiclass
    return Counted(RandomForestClassifier(6, random_state=0).fit(X[:60], y[:60]), [1, 3, 6])


@pytest.fixture
def held_out(multiclass: Any) -> tuple[Any, Any]:
    X, y = multiclass
    return X[60:], y[60:]


def test_answer_as_the_submodels_built_do(nest: Counted, held_out: Any) -> None:
    X, _ = held_out
    for stand_in, submodel in zip(Answers(nest, X), nest, strict=True):
        built = submodel.materialize()
        np.testing.assert_array_equal(stand_in.predict(X), built.predict(X))
        np.testing.assert_array_equal(stand_in.predict_proba(X), built.predict_proba(X))


def test_all_answer_from_one_pass_and_none_is_built(nest: Counted, held_out: Any) -> None:
    answers = Answers(nest, held_out[0])
    for scoring in ("accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr", "neg_log_loss"):
        for stand_in in answers:
            get_scorer(scoring)(stand_in, *held_out)
    assert nest.calls == {"predict": 1, "predict_proba": 1}


def test_another_table_is_answered_by_the_submodel_built(nest: Counted, held_out: Any) -> None:
    X, _ = held_out
    stand_in = Answers(nest, X)[0]
    few = X[:5]
    np.testing.assert_array_equal(stand_in.predict(few), nest[0].materialize().predict(few))
    same_rows = X.copy()
    same_rows[:] = 0
    assert len(set(stand_in.predict(same_rows))) == 1
    assert nest.calls["predict"] == 0


def test_what_else_is_asked_of_one_is_of_the_submodel(nest: Counted, held_out: Any) -> None:
    stand_ins = Answers(nest, held_out[0])
    assert [stand_in.n_estimators for stand_in in stand_ins] == [1, 3, 6]
    assert len(stand_ins[1].estimators_) == 3
    nest.calls.clear()
    stand_in = stand_ins[1]
    assert (stand_in.n_estimators, len(stand_in.estimators_), stand_in.max_depth) == (3, 3, None)
    assert nest.calls == {"materialize": 1}
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = stand_in.no_such_thing


def test_it_has_the_methods_of_the_model_only(nest: Counted, binary: Any, regression: Any) -> None:
    X, y = binary
    assert not hasattr(Answers(nest, X)[0], "decision_function")
    decides = Answers(AdaBoostSubmodels(AdaBoostClassifier(n_estimators=3).fit(X, y)), X)[0]
    assert hasattr(decides, "decision_function")
    numbers = ForestSubmodels(RandomForestRegressor(3).fit(X, regression[1]))
    stand_in = Answers(numbers, X)[0]
    assert hasattr(stand_in, "predict")
    assert not hasattr(stand_in, "predict_proba")


def test_scikit_learn_takes_it_for_a_model_of_its_kind(nest: Counted, regression: Any) -> None:
    X, y = regression
    stand_in = Answers(nest, X)[0]
    assert is_classifier(stand_in)
    assert not is_regressor(stand_in)
    assert list(stand_in.classes_) == ["high", "low", "mid"]
    numbers = Answers(ForestSubmodels(RandomForestRegressor(2).fit(X, y)), X)[0]
    assert is_regressor(numbers)


def test_answers_are_a_sequence(nest: Counted, held_out: Any) -> None:
    answers = Answers(nest, held_out[0])
    assert len(answers) == 3
    assert [one.place for one in answers] == [0, 1, 2]
    assert answers[-1].n_estimators == 6
    assert [one.place for one in answers[1:]] == [1, 2]
    assert isinstance(answers[0], StandIn)
    with pytest.raises(IndexError, match="out of range"):
        answers[3]


def test_a_method_that_the_model_lacks_is_an_attribute_error(nest: Counted, held_out: Any) -> None:
    answers = Answers(nest, held_out[0])
    with pytest.raises(AttributeError, match="decision_function"):
        answers.of("decision_function")
