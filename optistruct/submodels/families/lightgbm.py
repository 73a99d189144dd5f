"""LightGBM: the first rounds of a boosting, or of its random forest, are a fit of so many rounds.

LightGBM adds up its trees in their order, a row at a time; so do the submodels, and the sums are
equal. What it makes of a sum (a probability, say) it is asked to make itself.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import cycle, islice
from typing import Any

import numpy as np
from lightgbm import Booster, LGBMClassifier, LGBMModel, LGBMRegressor
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from optistruct.resources.families.lightgbm import count_categories, parameters_of_rounds
from optistruct.submodels.families.lightgbm_trees import leaf_answers, tree_costs
from optistruct.submodels.member_costs import MemberCosts
from optistruct.submodels.nested import Method, SubmodelCost
from optistruct.submodels.registry import nested_in
from optistruct.submodels.rounds import RoundsSubmodels
from optistruct.submodels.step_time import StepTime

__all__ = ["LightGBMSubmodels"]

_BOOSTING = ("boosting_type", "boosting", "boost")
_EARLY_STOPPING = (
    "early_stopping_round",
    "early_stopping_rounds",
    "early_stopping",
    "n_iter_no_change",
)
_ROUNDS = (
    "max_iter",
    "n_iter",
    "nrounds",
    "num_boost_round",
    "num_iteration",
    "num_iterations",
    "num_round",
    "num_rounds",
    "num_tree",
    "num_trees",
)
_AT_ONCE = 1 << 20  # sums that become answers in one call
_MOST_LEAVES = 1 << 24  # that LightGBM tells in one call, which takes 20 bytes for each


@nested_in(LGBMModel)
class LightGBMSubmodels(RoundsSubmodels):
    """The first rounds of a LightGBM model; a fit ends when no split is possible any more."""

    parameter = "n_estimators"
    step_time = StepTime(5e-5, 4e-9, is_per_output=True)

    def __init__(self, model: Any, values: Sequence[Any] | None = None) -> None:
        self._booster: Any = model.booster_
        self._outputs: int = self._booster.num_model_per_iteration()
        self._rounds: int = self._booster.num_trees() // self._outputs
        super().__init__(model, values)
        missed = model.n_estimators - self._rounds
        if missed and self._rounds > 1 and self._draws_at_random():
            self.difference = (
                f"in {missed} of {model.n_estimators} rounds LightGBM found no split to make, and "
                "as it draws rows or features at random, nobody knows in which: the refit of a "
                f"submodel may have up to {missed} rounds fewer"
            )

    @classmethod
    def parameter_of(cls, structure: Any) -> str:
        """Name the number of rounds, which other names may stand in for."""
        given = _given(structure)
        return next((name for name in _ROUNDS if name in given), cls.parameter)

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse DART, early stopping, and what was trained in several goes."""
        parameters = _given(structure)
        for name in _BOOSTING:
            if str(parameters.get(name)).lower() == "dart":
                return (
                    "DART weighs its first trees anew in every round, so they are not the model of "
                    f"fewer: set {name}='gbdt'"
                )
        for name in _EARLY_STOPPING:
            if (parameters.get(name) or 0) > 0:
                return (
                    f"with {name}={parameters[name]} the number of rounds is chosen by early "
                    f"stopping, not by n_estimators: leave {name} out"
                )
        for name in _ROUNDS:
            if name in parameters:
                return (
                    f"{name}={parameters[name]} stands in for n_estimators: give the number of "
                    "rounds as n_estimators"
                )
        return _objection_to_fit(structure) if structure.__sklearn_is_fitted__() else None

    def span(self) -> tuple[int, int]:
        """Hold from one round to as many as there could have been."""
        return 1, self.model.n_estimators  # what get_params tells, at once

    def rounds(self) -> int:
        """Count the rounds there are."""
        return self._rounds

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Ask once which leaves the rows fall into, and add up what the leaves answer."""
        predict = getattr(self.model, method)
        if not self._has_leaves_only:
            for value in self.values:
                yield predict(X, num_iteration=value)
            return
        is_mean = method != "decision_function" and "average_output" in self._head
        for sums, rounds in self._sums(X):
            yield from self._answers(sums / rounds if is_mean else sums, method)

    @property
    def _counted_rounds(self) -> list[int]:
        """Count the rounds that each submodel has; a fit may have ended before its value."""
        return [min(value, self._rounds) for value in self.values]

    def _sums(self, X: Any) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
        """Sum the trees of each submodel, one by one.

        Yields:
            (submodels, rows, outputs) sums of the next submodels, and (submodels, 1, 1) how many
            rounds each has.
        """
        rows = _num_samples(X)
        totals = np.zeros((self._outputs, rows))
        trees = zip(cycle(totals), self._trees(X, rows), strict=False)
        counted = np.array(self._counted_rounds)
        added = np.diff(counted, prepend=0) * self._outputs
        at_once = 1 + _AT_ONCE // totals.size
        for first in range(0, len(self), at_once):
            some = slice(first, first + at_once)
            sums = np.empty((len(added[some]), rows, self._outputs))
            for submodel, number in zip(sums, added[some].tolist(), strict=True):
                for total, (fallen_into, answers) in islice(trees, number):
                    total += answers.take(fallen_into)
                submodel[:] = totals.T
            yield sums, counted[some, np.newaxis, np.newaxis]

    def _trees(self, X: Any, rows: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float64]]]:
        """Tell of each tree which leaf each row falls into, and what the leaves answer."""
        last = max(self._counted_rounds)
        at_once = max(_MOST_LEAVES // (rows * self._outputs), 1)
        for first in range(0, last, at_once):
            leaves = self._leaves(X, first, min(at_once, last - first))
            by_tree = np.ascontiguousarray(leaves.reshape(rows, -1).T)
            answers = leaf_answers(self._booster, by_tree, first * self._outputs)
            yield from zip(by_tree, answers, strict=True)

    def _leaves(self, X: Any, first: int, rounds: int) -> NDArray[np.int32]:
        """Tell which leaf of some trees each row falls into; (rows, trees), or (rows,) of one."""
        predict = self.model.predict
        is_plain = isinstance(X, np.ndarray) and X.dtype.kind == "f" and len(X) > 0
        if is_plain and X.shape[1:] == (self.model.n_features_in_,):
            # without scikit-learn's checks, which take a third of the time
            predict = partial(self._booster.predict, num_threads=self.model.n_jobs or 0)
        leaves: NDArray[np.int32] = predict(
            X, pred_leaf=True, start_iteration=first, num_iteration=rounds
        )
        return leaves

    def _answers(self, sums: NDArray[np.float64], method: Method) -> Iterator[NDArray[Any]]:
        """Make answers of sums, as LightGBM's core and then its scikit-learn face do.

        Args:
            sums: (submodels, rows, outputs) sums, or means, of the trees.
            method: Which method of the model answers.
        """
        if method == "decision_function":
            yield from sums if self._outputs > 1 else sums[:, :, 0]
            return
        rows = sums.reshape(-1, self._outputs)
        if self._head.get("objective") == "regression":  # which takes them as they are
            told = rows[:, 0]
        else:
            told = _converter(self._kept_head, self._outputs).predict(rows, num_threads=1)
        yield from self._labelled(told.reshape(*sums.shape[:2], *told.shape[1:]), method)

    def _labelled(self, told: NDArray[Any], method: Method) -> NDArray[Any]:
        """Make answers of what LightGBM's core tells, as its scikit-learn face does."""
        if not isinstance(self.model, LGBMClassifier) or callable(self.model.objective_):
            return told
        is_of_one = told.ndim == 2  # the second of two classes
        chances = np.stack((1.0 - told, told), axis=1).swapaxes(1, 2) if is_of_one else told
        if method == "predict_proba":
            return chances
        labels: NDArray[Any] = self.model.classes_.take(chances.argmax(axis=2))
        return labels

    def parameters(self) -> list[int]:
        """Count splits and leaves without having the trees written, where they are plain ones."""
        counted = parameters_of_rounds(self._booster, self._counted_rounds)
        return super().parameters() if counted is None else counted

    def costs(self) -> list[SubmodelCost]:
        """Read the trees as LightGBM writes them, and add up."""
        categories = count_categories(self._booster)
        parameters, operations = map(np.cumsum, self._added_costs)
        last = np.array(self._counted_rounds) * self._outputs - 1
        return [SubmodelCost(int(parameters[i]) + categories, float(operations[i])) for i in last]

    @cached_property
    def _added_costs(self) -> MemberCosts:
        """What each tree adds; kept, as writing the trees takes long."""
        return tree_costs(self._booster, self._rounds)

    def materialize(self, value: int) -> Any:
        """Copy the model with its first rounds only, and what evaluations told of those."""
        smaller = copy.copy(self.model)
        smaller._other_params = dict(self.model._other_params)
        smaller.set_params(n_estimators=value)
        text = self._booster.model_to_string(num_iteration=value)
        text = re.sub(r"\n\[num_iterations: \d+\]", f"\n[num_iterations: {value}]", text)
        smaller._Booster = Booster(model_str=text)
        smaller._Booster.params = {**self._booster.params, "num_iterations": value}
        smaller._evals_result = _cut(self.model.evals_result_, slice(value))
        smaller._best_score = _cut(self.model.evals_result_, value - 1)
        return smaller

    @cached_property
    def _first_round(self) -> str:
        """The model of one round, as LightGBM writes it."""
        text: str = self._booster.model_to_string(num_iteration=1)
        return text

    @cached_property
    def _head(self) -> dict[str, str]:
        """What LightGBM writes before the first tree, line by line."""
        head, _, _ = self._first_round.partition("\nTree=")
        lines = (line.partition("=") for line in head.splitlines())
        return {name: value for name, _, value in lines}

    @cached_property
    def _settings(self) -> dict[str, str]:
        """The parameters of the training, as LightGBM writes them after the trees."""
        return dict(re.findall(r"^\[(\w+): (.*)\]$", self._first_round, re.MULTILINE))

    @property
    def _has_leaves_only(self) -> bool:
        """Whether a prediction is a sum over all trees of one number a leaf."""
        stops = _given(self.model).get("pred_early_stop", False)
        return self._settings["linear_tree"] == "0" and not stops

    def _draws_at_random(self) -> bool:
        """Whether a round without a split may be followed by one with."""
        settings = self._settings
        fractions = ["feature_fraction", "feature_fraction_bynode"]
        if int(settings["bagging_freq"]):
            fractions += ["bagging_fraction", "pos_bagging_fraction", "neg_bagging_fraction"]
        return (
            any(float(settings[name]) < 1 for name in fractions)
            or any(int(settings[name]) for name in ("extra_trees", "use_quantized_grad"))
            or settings["data_sample_strategy"] == "goss"
            or settings["objective"] == "rank_xendcg"
            or callable(self.model.objective_)
        )

    @property
    def _kept_head(self) -> tuple[str, ...]:
        """The lines before the first tree that say what is made of the sums."""
        kept = ("version", "num_class", "num_tree_per_iteration", "label_index", "objective")
        return tuple(f"{name}={self._head[name]}" for name in kept if name in self._head)


@lru_cache(maxsize=8)
def _converter(head: tuple[str, ...], outputs: int) -> Any:
    """Make a model of as many inputs as the trees have outputs, which are their sums.

    It has the objective of the model, so that LightGBM makes of the sums what it would have made of
    them in the model.

    Args:
        head: Lines before the trees of a model as LightGBM writes it.
        outputs: How many inputs it has.
    """
    lines = [
        "tree",
        *head,
        f"max_feature_idx={outputs - 1}",
        "feature_names=" + " ".join(f"f{number}" for number in range(outputs)),
        "feature_infos=" + " ".join("none" for _ in range(outputs)),
        "",
        *(_IDENTITY.format(number) for number in range(outputs)),
        "end of trees",
    ]
    return Booster(model_str="\n".join(lines))


_IDENTITY = """Tree={0}
num_leaves=2
num_cat=0
split_feature={0}
threshold=0
decision_type=2
left_child=-1
right_child=-2
leaf_value=0 0
is_linear=1
leaf_const=0 0
num_features=1 1
leaf_features={0} {0}
leaf_coeff=1 1
shrinkage=1

"""
"""A tree that answers one of its inputs, to the bit: 0 + 1 * x on both sides of its split."""


def _given(structure: Any) -> Mapping[str, Any]:
    """Tell a model's parameters, sooner than `get_params`, which takes as long as four trees."""
    is_plain = type(structure) in (LGBMClassifier, LGBMRegressor)
    given: Mapping[str, Any] = vars(structure) if is_plain else structure.get_params(deep=False)
    return given


def _objection_to_fit(model: Any) -> str | None:
    if model.best_iteration_ > 0:
        return (
            f"early stopping took round {model.best_iteration_} of this {type(model).__name__} for "
            "the best, by its validation data, not by n_estimators: fit it without early stopping"
        )
    trees, outputs = model.booster_.num_trees(), model.booster_.num_model_per_iteration()
    if trees > model.n_estimators * outputs:
        return (
            f"this {type(model).__name__} has {trees // outputs} rounds, n_estimators is "
            f"{model.n_estimators}: it goes on from another model; fit it without init_model"
        )
    return None


def _cut(history: Any, kept: Any) -> Any:
    """Take a part of what was told of each evaluation set and metric, round by round."""
    return {
        table: {metric: values[kept] for metric, values in metrics.items()}
        for table, metrics in history.items()
    }
