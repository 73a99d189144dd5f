"""Perceptrons after fewer epochs: a refit in all that they know, as long as epochs are kept."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optistruct.exceptions import ArgumentError, SubmodelError
from optistruct.resources import count_parameters, model_size
from optistruct.submodels import keep_epochs, submodel_parameter, submodels_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = ("predict", "predict_proba")
HOW = [
    {},
    {"activation": "tanh", "shuffle": False, "hidden_layer_sizes": ()},
    {"tol": 0.1, "n_iter_no_change": 2},
    {"solver": "sgd"},
    {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 16},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    {"early_stopping": True},
    {"early_stopping": True, "solver": "sgd", "n_iter_no_change": 2},
]


def perceptron(kind=MLPClassifier, **how):
    settings = {"hidden_layer_sizes": (5, 3), "max_iter": 30, "random_state": 0, **how}
    return kind(**settings)


def fitted(model, X, y, epochs=(1, 4, 5, 17, 29), **fit):
    with keep_epochs(model, epochs):
        return model.fit(X, y, **fit)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_submodel_is_a_refit_in_all_that_it_knows(how, data):
    X, y = data
    model = perceptron(MLPRegressor if y.dtype == float else MLPClassifier, **how)
    submodels = submodels_of(fitted(clone(model), X, y))
    for place, submodel in enumerate(submodels):
        built = submodel.materialize()
        refit = clone(model).set_params(max_iter=submodel.value).fit(X, y)
        for method in [method for method in METHODS if hasattr(refit, method)]:
            expected = getattr(refit, method)(X)
            response = list(submodels.responses(X, method))[place]
            np.testing.assert_array_equal(getattr(built, method)(X), expected, strict=True)
            np.testing.assert_array_equal(response, expected, strict=True)
        for name in vars(refit).keys() - {"_random_state"}:
            assert pickle.dumps(getattr(built, name)) == pickle.dumps(getattr(refit, name)), name
        assert vars(built).keys() == vars(refit).keys()
        assert submodels.costs()[place].parameters == count_parameters(refit).total


def test_weights_of_rows(multiclass):
    X, y = multiclass
    weights = np.linspace(1, 9, len(y))
    model = fitted(perceptron(), X, y, [7], sample_weight=weights)
    refit = perceptron(max_iter=7).fit(X, y, sample_weight=weights)
    built = submodels_of(model).materialize(7)
    np.testing.assert_array_equal(built.predict_proba(X), refit.predict_proba(X))


def test_training_that_ends_by_itself_stands_for_all_that_may_last_longer(regression):
    X, y = regression
    model = perceptron(MLPRegressor, tol=0.5, n_iter_no_change=3, max_iter=200)
    submodels = submodels_of(fitted(model, X, y, [2, 90]))
    assert model.n_iter_ < 90
    assert submodels.values == (2, 200)
    assert submodels.span() == (2, 200)
    whole = submodels.among([2, model.n_iter_, 90, 200])
    first, *others = whole.responses(X, "predict")
    for answer in others:
        np.testing.assert_array_equal(answer, model.predict(X))
    assert not np.array_equal(first, model.predict(X))


def test_the_model_stays_an_ordinary_one(multiclass):
    X, y = multiclass
    plain = perceptron().fit(X, y)
    model = fitted(perceptron(), X, y)
    assert type(model) is MLPClassifier
    assert vars(model).keys() == vars(plain).keys()
    assert model_size(model) == model_size(plain)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), plain.predict_proba(X))


def test_a_submodel_is_trained_further_as_a_refit_is_and_shares_nothing(multiclass):
    X, y = multiclass
    submodels = submodels_of(fitted(perceptron(), X, y))
    before = submodels.materialize(5).predict_proba(X)
    built = submodels.materialize(5).partial_fit(X, y)
    refit = perceptron(max_iter=5).fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(built.predict_proba(X), refit.predict_proba(X))
    np.testing.assert_array_equal(submodels.materialize(5).predict_proba(X), before)


def test_training_the_largest_further_leaves_the_model_alone(regression):
    X, y = regression
    submodels = submodels_of(fitted(perceptron(MLPRegressor), X, y))
    before = submodels.model.predict(X)
    submodels[-1].materialize().partial_fit(X, y)
    np.testing.assert_array_equal(submodels.model.predict(X), before)


def test_a_pipeline_that_ends_in_a_perceptron(multiclass):
    X, y = multiclass
    model = make_pipeline(StandardScaler(), make_pipeline("passthrough", perceptron()))
    submodels = submodels_of(fitted(model, X, y, [3]))
    assert submodels.parameter == "pipeline__mlpclassifier__max_iter"
    refit = clone(model).set_params(**{submodels.parameter: 3}).fit(X, y)
    response, _ = submodels.responses(X, "predict_proba")
    np.testing.assert_array_equal(response, refit.predict_proba(X))


def test_the_last_fit_in_the_block_counts(multiclass, binary):
    model = perceptron()
    with keep_epochs(model, [3]):
        model.fit(*binary)
        model.fit(*multiclass)
    X, y = multiclass
    refit = perceptron(max_iter=3).fit(X, y)
    built = submodels_of(model).materialize(3)
    np.testing.assert_array_equal(built.predict_proba(X), refit.predict_proba(X))


def test_an_epoch_that_was_not_kept(multiclass):
    submodels = submodels_of(fitted(perceptron(), *multiclass, [3, 8]))
    message = "max_iter 3, 8, and from 30 on, got 5: name it to keep_epochs"
    with pytest.raises(ArgumentError, match=message):
        submodels.among([3, 5])


REMEDY = r"fit it within `with optistruct.submodels.keep_epochs\(model, epochs\):`"


def fit_without(model, X, y):
    return model.fit(X, y)


def fit_again_without(model, X, y):
    return fitted(model, X, y).fit(X, y)


def fit_further(model, X, y):
    return fitted(model, X, y).partial_fit(X, y)


def fit_in_parts(model, X, y):
    with keep_epochs(model, [1]):
        return model.partial_fit(X, y, classes=np.unique(y))


def fit_and_copy(model, X, y):
    return copy.deepcopy(fitted(model, X, y))


def fit_and_pickle(model, X, y):
    return pickle.loads(pickle.dumps(fitted(model, X, y)))


def fit_a_clone(model, X, y):
    with keep_epochs(model, [1]):
        return GridSearchCV(model, {"alpha": [0.1]}, cv=2).fit(X, y).best_estimator_


@pytest.mark.parametrize(
    "fit",
    [
        fit_without,
        fit_again_without,
        fit_further,
        fit_in_parts,
        fit_and_copy,
        fit_and_pickle,
        fit_a_clone,
    ],
)
def test_without_epochs_the_remedy_is_named(fit, multiclass):
    model = fit(perceptron(), *multiclass)
    with pytest.raises(SubmodelError, match=REMEDY):
        submodels_of(model)


def test_training_that_was_interrupted_holds_nothing(multiclass, monkeypatch):
    X, y = multiclass
    update = MLPClassifier._update_no_improvement_count

    def interrupted(model, *args):
        update(model, *args)
        if model.n_iter_ == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifier, "_update_no_improvement_count", interrupted)
    model = perceptron()
    with keep_epochs(model, [3]), pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, y)
    with pytest.raises(SubmodelError, match=REMEDY):
        submodels_of(model)


def test_a_fit_that_fails_leaves_nothing_behind(multiclass):
    X, y = multiclass
    model = perceptron()
    with pytest.raises(ValueError, match="inconsistent"), keep_epochs(model, [3]):
        model.fit(X, y[:10])
    assert vars(model).keys() == vars(perceptron()).keys()


def test_the_parameter_is_known_before_the_fit():
    assert submodel_parameter(perceptron()) == "max_iter"
    with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted yet"):
        submodels_of(perceptron())


def test_what_has_no_epochs_is_refused():
    with pytest.raises(SubmodelError, match="set solver='adam' or 'sgd'"):
        submodel_parameter(perceptron(solver="lbfgs"))
    with (
        pytest.raises(SubmodelError, match="set solver='adam' or 'sgd'"),
        keep_epochs(perceptron(solver="lbfgs"), [1]),
    ):
        pass
    with pytest.raises(SubmodelError, match="set warm_start=False"):
        submodel_parameter(perceptron(warm_start=True))
    with (
        pytest.raises(SubmodelError, match=r"or of a pipeline .* got a LogisticRegression"),
        keep_epochs(make_pipeline(StandardScaler(), LogisticRegression()), [1]),
    ):
        pass


@pytest.mark.parametrize("epoch", [0, 2.5, "3"])
def test_epochs_are_whole_numbers(epoch):
    with (
        pytest.raises(ArgumentError, match=f"whole numbers from 1, got {epoch!r}"),
        keep_epochs(perceptron(), [2, epoch]),
    ):
        pass
