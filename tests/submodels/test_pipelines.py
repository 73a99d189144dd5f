"""Pipelines of every make: what stands before the last step is shared, and counts in full."""

import pickle
from threading import Lock

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from optistruct.exceptions import ArgumentError, SubmodelError
from optistruct.resources import count_operations, count_parameters
from optistruct.submodels import submodel_parameter, submodels_of

PREPARATIONS = [
    [StandardScaler()],
    [StandardScaler(), PCA(2, random_state=0)],
    ["passthrough", StandardScaler(), None],
    ["passthrough"],
    [],
    [make_pipeline(MinMaxScaler(), PCA(3, random_state=0))],
    [FeatureUnion([("scaled", StandardScaler()), ("as_it_is", "passthrough")])],
    [LinearDiscriminantAnalysis()],  # counts otherwise as a classifier than as a transformer
]


def forest():
    return RandomForestClassifier(6, random_state=0)


class Counted(StandardScaler):
    """A scaler that counts its calls, in all of its copies."""

    calls = 0

    def transform(self, X, copy=None):
        Counted.calls += 1
        return super().transform(X, copy)


@pytest.mark.parametrize("before", PREPARATIONS, ids=str)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_any_preparation(task, before, request, assert_law):
    X, y = request.getfixturevalue(task)
    assert_law(make_pipeline(*before, forest()), X, y, X[::3], [1, 4, 6])


def test_a_pipeline_in_a_pipeline(multiclass, assert_law):
    X, y = multiclass
    inner = Pipeline([("pick", PCA(3, random_state=0)), ("forest", forest())])
    model = Pipeline([("scale", StandardScaler()), ("inner", inner)])
    submodels = assert_law(model, X, y, X[::3])
    assert submodels.parameter == "inner__forest__n_estimators"
    assert submodel_parameter(model) == submodels.parameter


def test_values_may_fall(regression, assert_law):
    X, y = regression
    model = make_pipeline(StandardScaler(), DecisionTreeRegressor(random_state=0))
    assert assert_law(model, X, y, X, [0.5, 0.01, 0.0]).span() == (0.0, float("inf"))


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_a_frame_of_several_kinds(output, mixed, assert_law):
    frame, y = mixed
    text = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    numbers = [name for name in frame if name not in text]
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    columns = ColumnTransformer([("text", encoder, text), ("numbers", "passthrough", numbers)])
    model = make_pipeline(columns.set_output(transform=output), forest())
    submodels = assert_law(model, frame, y, frame.iloc[::2])
    has_names = hasattr(submodels.model[-1], "feature_names_in_")
    assert has_names == (output == "pandas")


def test_weights_reach_the_last_step(multiclass, assert_law):
    X, y = multiclass
    model = make_pipeline(StandardScaler(), forest())
    weights = np.linspace(1, 9, len(y))
    assert_law(model, X, y, X, [2, 6], randomforestclassifier__sample_weight=weights)


def test_weights_by_metadata_routing(multiclass, assert_law):
    X, y = multiclass
    weights = np.linspace(1, 9, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = forest().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        assert_law(make_pipeline(scaler, weighted), X, y, X, [2, 6], sample_weight=weights)


def test_steps_that_were_cached(multiclass, tmp_path, assert_law):
    X, y = multiclass
    assert_law(make_pipeline(StandardScaler(), forest(), memory=str(tmp_path)), X, y, X, [2, 6])


def test_the_table_is_prepared_once(multiclass):
    X, y = multiclass
    submodels = submodels_of(make_pipeline(Counted(), forest()).fit(X, y))
    before = Counted.calls
    list(submodels.responses(X, "predict_proba"))
    assert Counted.calls == before + 1


def test_the_preparation_counts_as_in_the_model_itself(multiclass):
    X, y = multiclass
    model = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(), forest()).fit(X, y)
    first, *_, last = submodels_of(model).costs()
    one_tree = submodels_of(model[-1]).costs()[0]
    assert last.parameters == count_parameters(model).total
    assert last.operations == pytest.approx(count_operations(model), rel=1e-9)
    assert first.parameters - one_tree.parameters == 4 + 4 + (4 + 4 * 2)
    assert first.operations - one_tree.operations == pytest.approx(4 + 4 * 2)


def test_a_small_pipeline_that_is_fitted_anew_leaves_the_large_one_alone(regression):
    X, y = regression
    model = make_pipeline(StandardScaler(), RandomForestRegressor(5, random_state=0)).fit(X, y)
    submodels, before = submodels_of(model), model.predict(X)
    other = submodels.materialize(2)
    smaller = other.predict(X)
    submodels.materialize(2).fit(100 * X + 5, y)
    np.testing.assert_array_equal(model.predict(X), before)
    np.testing.assert_array_equal(other.predict(X), smaller)


class Locked(StandardScaler):
    """Holds what cannot be copied."""

    def fit(self, X, y=None, sample_weight=None):
        self.lock_ = Lock()
        return super().fit(X)


def test_a_step_that_cannot_be_copied_is_shared(regression):
    X, y = regression
    model = make_pipeline(Locked(), RandomForestRegressor(5, random_state=0)).fit(X, y)
    small = submodels_of(model).materialize(2)
    refit = make_pipeline(StandardScaler(), RandomForestRegressor(2, random_state=0)).fit(X, y)
    np.testing.assert_array_equal(small.predict(X), refit.predict(X))
    assert small[0] is model[0]


def test_a_small_pipeline_has_its_own_last_step_and_equal_others(regression):
    X, y = regression
    model = make_pipeline(StandardScaler(), RandomForestRegressor(30, random_state=0)).fit(X, y)
    small = submodels_of(model).materialize(1)
    np.testing.assert_array_equal(small[0].mean_, model[0].mean_)
    assert len(model[-1].estimators_) == 30
    assert len(pickle.dumps(small)) < len(pickle.dumps(model)) / 10
    small.set_params(randomforestregressor__max_depth=1)
    assert model[-1].max_depth is None


def test_a_value_that_is_not_held_is_named_as_the_pipeline_names_it(binary):
    submodels = submodels_of(make_pipeline(StandardScaler(), forest()).fit(*binary))
    with pytest.raises(ArgumentError, match=r"Pipeline holds .* randomforestclassifier__n_est.* 6"):
        submodels.among([2, 7])


@pytest.mark.parametrize("last", ["passthrough", None])
def test_a_pipeline_that_ends_without_a_model_is_refused(last, binary):
    model = Pipeline([("scale", StandardScaler()), ("end", last)])
    with pytest.raises(SubmodelError, match="the last step of the pipeline, 'end', is no model"):
        submodels_of(model.fit(*binary))
    with pytest.raises(SubmodelError, match="'end', is no model"):
        submodel_parameter(model)


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (GaussianNB(), "a GaussianNB holds no submodels that are known"),
        (RandomForestClassifier(warm_start=True), "set warm_start=False"),
        (make_pipeline(StandardScaler(), "passthrough"), "'passthrough', is no model"),
    ],
)
def test_a_last_step_without_submodels_is_refused_for_its_own_reason(last, reason, binary):
    model = Pipeline([("scale", StandardScaler()), ("end", last)])
    with pytest.raises(SubmodelError, match=f"'end', holds no submodels: .*{reason}"):
        submodel_parameter(model)
    with pytest.raises(SubmodelError, match=f"'end', holds no submodels: .*{reason}"):
        submodels_of(model.fit(*binary))


def test_a_pipeline_that_is_not_fitted():
    with pytest.raises(NotFittedError, match="Pipeline instance is not fitted yet"):
        submodels_of(make_pipeline(StandardScaler(), forest()))
