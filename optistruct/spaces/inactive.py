"""Parameters that do nothing: by their name, or for the values that others have.

A rule is here only where the library's own code shows that the parameter is not read.
"""

from collections.abc import Callable
from typing import Any

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR, NuSVC, NuSVR

__all__ = ["inactive_parameters"]

_LIBRARIES = {"sklearn", "lightgbm", "xgboost", "catboost"}

_WITHOUT_EFFECT = frozenset(
    {
        "n_jobs",
        "num_threads",
        "num_thread",
        "nthread",
        "nthreads",
        "thread_count",
        "verbose",
        "verbosity",
        "cache_size",  # of a support vector machine's fit
        "memory",  # where a pipeline keeps what it has fitted
        "pre_dispatch",
    }
)

_EARLY_STOPPING = {"n_iter_no_change", "validation_fraction", "tol", "scoring"}
_METRICS_WITHOUT_P = ("euclidean", "l2", "manhattan", "l1", "cityblock", "chebyshev", "cosine")
_LOSSES_WITH_EPSILON = ("huber", "epsilon_insensitive", "squared_epsilon_insensitive")

_NO_KERNEL_PARAMETER = {
    "linear": {"gamma", "degree", "coef0"},
    "rbf": {"degree", "coef0"},
    "sigmoid": {"degree"},
}
_NO_SOLVER_PARAMETER = {
    "lbfgs": {
        "batch_size",
        "beta_1",
        "beta_2",
        "early_stopping",
        "epsilon",
        "learning_rate",
        "learning_rate_init",
        "momentum",
        "n_iter_no_change",
        "nesterovs_momentum",
        "power_t",
        "shuffle",
        "validation_fraction",
    },
    "sgd": {"beta_1", "beta_2", "epsilon", "max_fun"},
    "adam": {"learning_rate", "max_fun", "momentum", "nesterovs_momentum", "power_t"},
}


def inactive_parameters(estimator: Any, parameters: dict[str, Any] | None = None) -> set[str]:
    """Name the parameters of an estimator that change neither a prediction nor a resource.

    Those are numbers of threads (whatever optistruct measures, it measures on one), how much is
    printed, caches; and what a parameter's value puts out of use, such as the `degree` of a
    support vector machine whose kernel is not polynomial. Only the estimators of scikit-learn,
    LightGBM, XGBoost and CatBoost are known, not classes derived from them.

    Args:
        estimator: An estimator; the parameters of those nested in it are not named.
        parameters: Its parameters, where they are at hand; None asks it for them.
    """
    kind = type(estimator)
    if kind.__module__.partition(".")[0] not in _LIBRARIES:
        return set()
    if parameters is None:
        parameters = estimator.get_params(deep=False)
    rule = _RULES.get(kind)
    inactive = rule(parameters) if rule else set()
    return inactive | (_WITHOUT_EFFECT & parameters.keys())


def _support_vectors(parameters: dict[str, Any]) -> set[str]:
    return _of_value(_NO_KERNEL_PARAMETER, parameters["kernel"])


def _neighbors(parameters: dict[str, Any]) -> set[str]:
    inactive = set()
    if parameters["algorithm"] == "brute":  # which builds no tree that could have leaves
        inactive.add("leaf_size")
    metric = parameters["metric"]
    if isinstance(metric, str) and metric in _METRICS_WITHOUT_P:
        inactive.add("p")
    return inactive


def _logistic_regression(parameters: dict[str, Any]) -> set[str]:
    inactive = set()
    if parameters["solver"] != "liblinear":
        inactive.add("intercept_scaling")
    if parameters.get("penalty", "deprecated") in ("l1", "l2", None):
        inactive.add("l1_ratio")
    return inactive


def _gradient_descent(parameters: dict[str, Any]) -> set[str]:
    inactive = set()
    if parameters["penalty"] != "elasticnet":
        inactive.add("l1_ratio")
    if parameters["learning_rate"] != "invscaling":
        inactive.add("power_t")
    if parameters["learning_rate"] == "optimal":
        inactive.add("eta0")
    if parameters["loss"] not in _LOSSES_WITH_EPSILON:
        inactive.add("epsilon")
    if not parameters["early_stopping"]:
        inactive.add("validation_fraction")
    return inactive


def _perceptron(parameters: dict[str, Any]) -> set[str]:
    inactive = set(_of_value(_NO_SOLVER_PARAMETER, parameters["solver"]))
    if not parameters["early_stopping"]:  # n_iter_no_change then counts the training loss
        inactive.add("validation_fraction")
    if parameters["learning_rate"] != "invscaling":
        inactive.add("power_t")
    return inactive


def _histogram_boosting(parameters: dict[str, Any]) -> set[str]:
    return _EARLY_STOPPING if parameters["early_stopping"] is False else set()


def _gradient_boosting(parameters: dict[str, Any]) -> set[str]:
    inactive = set()
    if parameters["n_iter_no_change"] is None:
        inactive |= {"validation_fraction", "tol"}
    if parameters["loss"] not in ("huber", "quantile"):
        inactive |= {"alpha"} & parameters.keys()
    return inactive


def _lightgbm(parameters: dict[str, Any]) -> set[str]:
    is_bagging_off = (
        parameters["boosting_type"] == "gbdt"
        and (parameters["subsample_freq"] or 0) <= 0
        and parameters.keys()
        <= _LIGHTGBM_PARAMETERS | _WITHOUT_EFFECT  # any other may be another name of these
    )
    return {"subsample"} if is_bagging_off else set()


def _pca(parameters: dict[str, Any]) -> set[str]:
    if parameters["svd_solver"] in ("full", "covariance_eigh"):
        return {"iterated_power", "n_oversamples", "power_iteration_normalizer", "tol"}
    return set()


def _of_value(table: dict[str, set[str]], value: Any) -> set[str]:
    return table.get(value, set()) if isinstance(value, str) else set()


_LIGHTGBM_PARAMETERS = LGBMClassifier().get_params().keys()

_RULES: dict[type, Callable[[dict[str, Any]], set[str]]] = {
    SVC: _support_vectors,
    SVR: _support_vectors,
    NuSVC: _support_vectors,
    NuSVR: _support_vectors,
    KNeighborsClassifier: _neighbors,
    KNeighborsRegressor: _neighbors,
    LogisticRegression: _logistic_regression,
    SGDClassifier: _gradient_descent,
    SGDRegressor: _gradient_descent,
    MLPClassifier: _perceptron,
    MLPRegressor: _perceptron,
    HistGradientBoostingClassifier: _histogram_boosting,
    HistGradientBoostingRegressor: _histogram_boosting,
    GradientBoostingClassifier: _gradient_boosting,
    GradientBoostingRegressor: _gradient_boosting,
    LGBMClassifier: _lightgbm,
    LGBMRegressor: _lightgbm,
    PCA: _pca,
}
