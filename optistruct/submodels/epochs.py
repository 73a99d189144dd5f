"""Keeping what a perceptron was after some epochs of its training, for its submodels."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline

from optistruct.exceptions import ArgumentError, SubmodelError

__all__ = ["keep_epochs", "kept_epochs"]

_TRAINED = (
    "intercepts_",
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
    "_optimizer",
)
"""What training changes in a perceptron from epoch to epoch, besides `coefs_`."""


class _Kept(NamedTuple):
    """What a fit kept: the weights that it ended with, to know it by, and each epoch's state."""

    coefs: list[Any]
    t: int
    states: Mapping[int, Mapping[str, Any]]


# Beside the models, so that these are pickled, copied and measured as ever.
_KEPT: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()


@contextmanager
def keep_epochs(model: Any, epochs: Iterable[int]) -> Iterator[None]:
    """Keep what a perceptron is after some epochs, while it is fitted within the `with` block.

        with keep_epochs(model, [10, 50]):
            model.fit(X, y)
        submodels_of(model)  # max_iter of 10, of 50, and its own

    An epoch kept takes as much memory as the weights and the state of their optimiser. It is kept
    in this process, beside the model, until the model is deleted or fitted again: copies and
    pickles of the model are without it.

    Args:
        model: The `MLPClassifier` or `MLPRegressor` that is then fitted, or a pipeline that ends
            in one.
        epochs: After which epochs, counted from 1.

    Raises:
        SubmodelError: If the model is no perceptron, or its solver has no epochs.
        ArgumentError: If an epoch is no positive whole number.
    """
    perceptron = _perceptron(model)
    wanted = set(epochs)
    for epoch in wanted:
        if not isinstance(epoch, Integral) or epoch < 1:
            raise ArgumentError(f"epochs must be whole numbers from 1, got {epoch!r}")
    if perceptron.solver == "lbfgs":
        raise SubmodelError(
            "a perceptron with solver='lbfgs' is not trained in epochs: set solver='adam' or 'sgd'"
        )
    states: dict[int, dict[str, Any]] = {}
    update = perceptron._update_no_improvement_count

    def update_and_keep(*args: Any, **kwargs: Any) -> None:
        update(*args, **kwargs)
        if perceptron.n_iter_ == 1:
            states.clear()
        if perceptron.n_iter_ in wanted:
            states[perceptron.n_iter_] = _state(perceptron)

    _KEPT.pop(perceptron, None)
    # scikit-learn calls this once an epoch, when the weights are what the epoch makes of them.
    perceptron._update_no_improvement_count = update_and_keep
    try:
        yield
    finally:
        del perceptron._update_no_improvement_count
    if states and _is_whole(perceptron):
        _KEPT[perceptron] = _Kept(perceptron.coefs_, perceptron.t_, states)


def kept_epochs(model: Any) -> Mapping[int, Mapping[str, Any]] | None:
    """Hand out what was kept of the fit that made a perceptron what it is.

    Args:
        model: A fitted perceptron.

    Returns:
        Each epoch, and the fitted attributes after it; None if nothing was kept.
    """
    kept = _KEPT.get(model)
    if kept is None or kept.coefs is not model.coefs_ or kept.t != model.t_:
        return None
    return kept.states


def _perceptron(model: Any) -> Any:
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise SubmodelError(
            f"epochs are kept of an MLPClassifier or MLPRegressor, or of a pipeline that ends in "
            f"one, got a {type(model).__name__}"
        )
    return model


def _state(perceptron: Any) -> dict[str, Any]:
    """Copy what a fit of so many epochs would have made of a perceptron."""
    state = {name: getattr(perceptron, name) for name in _TRAINED}
    if perceptron.early_stopping:
        state["_best_coefs"] = state["coefs_"] = perceptron._best_coefs
        state["_best_intercepts"] = state["intercepts_"] = perceptron._best_intercepts
    else:
        state["coefs_"] = perceptron.coefs_
    state = copy.deepcopy(state)
    # What scikit-learn still does in an epoch once it has counted those without improvement.
    optimizer = state["_optimizer"]
    optimizer.iteration_ends(state["t_"])
    has_stalled = state["_no_improvement_count"] > perceptron.n_iter_no_change
    if has_stalled and not optimizer.trigger_stopping("", verbose=False):
        state["_no_improvement_count"] = 0
    return state


def _is_whole(perceptron: Any) -> bool:
    """Tell whether the perceptron was made by one fit that came to its own end."""
    is_one_fit = len(perceptron.loss_curve_) == perceptron.n_iter_
    stopped = perceptron._no_improvement_count > perceptron.n_iter_no_change
    return bool(is_one_fit and (stopped or perceptron.n_iter_ == perceptron.max_iter))
