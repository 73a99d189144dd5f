"""A conditional space of five model families, as formulas shaped like the real ones.

Three losses: error = (1 - exp(-deficit)) / 2, log10 of the size in stored numbers, log10 of the
latency in microseconds. A deficit falls with capacity as a power law towards a floor of the family,
rises again where the family overfits, and rises with the square of the distance that a parameter
has from its best value, which depends on the family's other parameters. The values at which a
family does well are in the interior of its ranges.

The family is the only parameter that every trial has. Optuna's NSGA-II and NSGA-III cross over no
other, and with their default rate of mutation not even that: see runs.py.

The front is exact: every combination of the integers and categories is enumerated, and each float
that moves the error only stands at its best value, which the formula knows. The one exception is
the strength of the l1 penalty, which trades error for size: it stands at 2,000 values
(100,000 random points added 2.5e-6 of the hypervolume to the front so found).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import BaseTrial

FEATURES = 30
ROWS = 3_000

Array = NDArray[np.float64]
Values = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """One family: how it asks a trial, what its parameters are worth, all of its combinations.

    Args:
        suggest: Asks a trial for every parameter of the family.
        judge: Turns parameters, numbers or arrays, into deficit, size and latency. A float that
            is missing stands at its best value.
        combinations: Dicts of parameters as arrays, which together cover the family.
    """

    suggest: Callable[[BaseTrial], Values]
    judge: Callable[..., tuple[Any, Any, Any]]
    combinations: Callable[[], list[Values]]

    def losses(self, values: Values) -> Array:
        """Judge parameters: (n_combinations, 3)."""
        deficit, size, latency = self.judge(**values)
        error = (1 - np.exp(-deficit)) / 2
        return np.column_stack(np.broadcast_arrays(error, np.log10(size), np.log10(latency)))

    def enumerate(self) -> Array:
        """Judge all of the family: (n_combinations, 3)."""
        return np.concatenate([self.losses(values) for values in self.combinations()])


def mesh(**axes: Any) -> Values:
    """Combine every value of each axis with every value of the others."""
    grids = np.meshgrid(*axes.values(), indexing="ij")
    return dict(zip(axes, (grid.ravel() for grid in grids), strict=True))


def slip(value: Any, best: Any, width: float) -> Any:
    """Tell what a positive parameter costs by its distance from the best, in decades by width."""
    return 0.0 if value is None else (np.log10(value / best) / width) ** 2


def suggest_linear(trial: BaseTrial) -> Values:
    values: Values = {
        "degree": trial.suggest_int("linear.degree", 1, 3),
        "penalty": trial.suggest_categorical("linear.penalty", ["none", "l2", "l1"]),
    }
    if values["penalty"] != "none":
        name = f"linear.{values['penalty']}.strength"
        values["strength"] = trial.suggest_float(name, 1e-6, 10.0, log=True)
    return values


def judge_linear(degree: Any, penalty: str, strength: Any = None) -> tuple[Any, Any, Any]:
    terms = FEATURES * 6.0 ** (degree - 1)
    kept = terms
    deficit = 0.62 - 0.10 * (degree - 1)
    if penalty == "none":
        deficit = deficit + 0.04 * degree**2
    elif penalty == "l2":
        deficit = deficit + 0.01 * degree + slip(strength, 10.0 ** (degree - 4), 3.0)
    else:
        kept = np.maximum(1, np.floor(terms / (1 + (strength / 10.0 ** (-1 - degree)) ** 0.8)))
        deficit = deficit + 0.01 * degree + slip(strength, 10.0 ** (-degree), 6.0)
    deficit = deficit + 1.2 * kept**-0.6
    return deficit, kept + 1, 1 + 0.01 * kept


def linear_combinations() -> list[Values]:
    degrees = np.arange(1, 4)
    return [
        {"penalty": "none", **mesh(degree=degrees)},
        {"penalty": "l2", **mesh(degree=degrees)},
        {"penalty": "l1", **mesh(degree=degrees, strength=np.geomspace(1e-6, 10, 2_000))},
    ]


def suggest_forest(trial: BaseTrial) -> Values:
    return {
        "trees": trial.suggest_int("forest.trees", 1, 300, log=True),
        "depth": trial.suggest_int("forest.depth", 2, 16),
        "criterion": trial.suggest_categorical("forest.criterion", ["gini", "entropy"]),
        "share": trial.suggest_float("forest.share", 0.05, 1.0),
    }


def judge_forest(trees: Any, depth: Any, criterion: str, share: Any = None) -> tuple[Any, Any, Any]:
    leaves = np.minimum(2.0**depth, ROWS)
    best = np.clip(0.15 + 1.2 / depth, 0, 0.9) * (1 - 0.4 * np.log10(trees) / 2.5)
    deficit = 0.16 + 0.9 * 2.0 ** (-depth / 2.5) + 0.02 * depth / trees**0.5
    deficit = deficit + slip(share, best, 1.2)
    shift = 0.012 * np.tanh((depth - 7) / 3)  # entropy suits shallow trees, gini deep ones
    deficit = deficit + (0.012 - shift if criterion == "gini" else 0.012 + shift)
    return deficit, 2 * trees * leaves, 1 + 0.015 * trees * depth


def forest_combinations() -> list[Values]:
    grid = mesh(trees=np.arange(1, 301), depth=np.arange(2, 17))
    return [{"criterion": criterion, **grid} for criterion in ("gini", "entropy")]


def suggest_boosting(trial: BaseTrial) -> Values:
    values: Values = {
        "growth": trial.suggest_categorical("boosting.growth", ["leafwise", "oblivious"]),
        "rounds": trial.suggest_int("boosting.rounds", 5, 1_000, log=True),
        "rate": trial.suggest_float("boosting.rate", 1e-3, 1.0, log=True),
        "sample": trial.suggest_float("boosting.sample", 0.2, 1.0),
    }
    if values["growth"] == "leafwise":
        values["leaves"] = trial.suggest_int("boosting.leafwise.leaves", 3, 128, log=True)
    else:
        values["depth"] = trial.suggest_int("boosting.oblivious.depth", 1, 9)
    return values


def judge_boosting(
    growth: str,
    rounds: Any,
    rate: Any = None,
    sample: Any = None,
    leaves: Any = None,
    depth: Any = None,
) -> tuple[Any, Any, Any]:
    leafwise = growth == "leafwise"
    leaves = leaves if leafwise else 2.0**depth
    power = 1.0 if leafwise else 0.8  # an oblivious tree repeats one split along a level
    capacity = rounds * leaves**power
    deficit = 0.11 + 1.5 * capacity**-0.42 + 2e-5 * rounds**0.5 * leaves**1.2
    deficit = deficit + slip(rate, np.clip(4 / rounds**0.7 * leaves**-0.15, 2e-3, 0.8), 1.8)
    deficit = deficit + slip(
        sample, np.clip(1 - 0.22 * np.log10(leaves * rounds / 15), 0.3, 1), 1.5
    )
    if leafwise:
        return deficit, 2 * rounds * leaves, 1.5 + 0.02 * rounds * np.log2(leaves)
    return deficit, rounds * (leaves + 2 * depth), 1.5 + 0.006 * rounds * depth


def boosting_combinations() -> list[Values]:
    rounds = np.arange(5, 1_001)
    return [
        {"growth": "leafwise", **mesh(rounds=rounds, leaves=np.arange(3, 129))},
        {"growth": "oblivious", **mesh(rounds=rounds, depth=np.arange(1, 10))},
    ]


ACTIVATIONS = {"relu": (0.0, -2.0), "tanh": (0.015, -1.6), "logistic": (0.03, -1.2)}
WIDTHS = np.arange(4, 129, 4)


def suggest_perceptron(trial: BaseTrial) -> Values:
    layers = trial.suggest_int("perceptron.layers", 1, 3)
    return {
        "widths": [
            trial.suggest_int(f"perceptron.width{layer}", 4, 128, step=4) for layer in range(layers)
        ],
        "activation": trial.suggest_categorical("perceptron.activation", list(ACTIVATIONS)),
        "rate": trial.suggest_float("perceptron.rate", 1e-5, 1.0, log=True),
        "decay": trial.suggest_float("perceptron.decay", 1e-7, 1e-1, log=True),
    }


def judge_perceptron(
    widths: list[Any], activation: str, rate: Any = None, decay: Any = None
) -> tuple[Any, Any, Any]:
    layers = len(widths)
    steps = list(zip([FEATURES, *widths], [*widths, 1], strict=True))
    weights = sum((above + 1.0) * below for above, below in steps)
    floor, decades = ACTIVATIONS[activation]
    tapering = sum(slip(after, 0.55 * before, 2.0) for before, after in steps[1:-1])
    deficit = 0.12 / layers**0.5 + floor * layers + 1.1 * weights**-0.33 + tapering
    deficit = deficit + slip(rate, 10**decades * (widths[0] / 32.0) ** -0.5 / layers, 2.2)
    deficit = deficit + slip(decay, 1e-5 * (weights / 300.0) ** 0.8, 5.0)
    return deficit, weights, 1.2 + 1.0 * layers + 0.001 * weights


def perceptron_combinations() -> list[Values]:
    found = []
    for layers, activation in product((1, 2, 3), ACTIVATIONS):
        grid = mesh(**{str(layer): WIDTHS for layer in range(layers)})
        found.append({"widths": list(grid.values()), "activation": activation})
    return found


METRICS = {"euclidean": (0.02, 1.0), "manhattan": (0.0, 1.6), "cosine": (0.05, 0.8)}


def suggest_neighbours(trial: BaseTrial) -> Values:
    values: Values = {
        "prototypes": trial.suggest_int("neighbours.prototypes", 10, 2_000, log=True),
        "components": trial.suggest_int("neighbours.components", 2, FEATURES),
        "neighbours": trial.suggest_int("neighbours.neighbours", 1, 40, log=True),
        "metric": trial.suggest_categorical("neighbours.metric", list(METRICS)),
        "weighted": trial.suggest_categorical("neighbours.weighted", [False, True]),
    }
    if values["weighted"]:
        values["power"] = trial.suggest_float("neighbours.power", 0.1, 10.0, log=True)
    return values


def best_neighbours(prototypes: Any, weighted: bool) -> Any:
    return prototypes**0.35 * (1.8 if weighted else 1.0)


def judge_neighbours(
    prototypes: Any,
    components: Any,
    neighbours: Any,
    metric: str,
    weighted: bool,
    power: Any = None,
) -> tuple[Any, Any, Any]:
    offset, cost = METRICS[metric]
    best = best_neighbours(prototypes, weighted)
    deficit = 0.02 + offset * components / 20 + 1.1 * prototypes**-0.45
    deficit = deficit + 0.35 * components**-0.9 + 0.002 * components + slip(neighbours, best, 2.0)
    if weighted:
        deficit = deficit - 0.015 + slip(power, 10 / components, 3.0)
    return deficit, prototypes * (components + 1), 2 + 0.002 * cost * prototypes * components**0.7


def neighbours_combinations() -> list[Values]:
    grid = mesh(
        prototypes=np.arange(10.0, 2_001),
        components=np.arange(2.0, FEATURES + 1),
    )
    found = []
    for metric, weighted in product(METRICS, (False, True)):
        best = best_neighbours(grid["prototypes"], weighted)
        for nearest in (np.floor(best), np.ceil(best)):  # one of them is the best integer
            found.append({"metric": metric, "weighted": weighted, "neighbours": nearest, **grid})
    return found


FAMILIES = {
    "linear": Family(suggest_linear, judge_linear, linear_combinations),
    "forest": Family(suggest_forest, judge_forest, forest_combinations),
    "boosting": Family(suggest_boosting, judge_boosting, boosting_combinations),
    "perceptron": Family(suggest_perceptron, judge_perceptron, perceptron_combinations),
    "neighbours": Family(suggest_neighbours, judge_neighbours, neighbours_combinations),
}


def objective(trial: BaseTrial) -> tuple[float, ...]:
    """Suggest a family and its own parameters; hand out error, log10 size, log10 latency."""
    family = FAMILIES[trial.suggest_categorical("family", list(FAMILIES))]
    return tuple(family.losses(family.suggest(trial))[0].tolist())
