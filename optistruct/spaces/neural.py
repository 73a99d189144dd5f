"""Multi-layer perceptrons: the number of layers and the width of each."""

from typing import Any

from sklearn.neural_network import MLPClassifier, MLPRegressor

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem
from optistruct.spaces.starts import starting_with

__all__ = ["mlp"]


@starting_with(
    {"layers": 1, "units_1": 4, "activation": "relu", "alpha": 0.01, "learning_rate_init": 0.03},
    {"layers": 1, "units_1": 16, "activation": "relu", "alpha": 0.01, "learning_rate_init": 0.03},
    {
        "layers": 1,
        "units_1": 100,
        "activation": "relu",
        "alpha": 0.0001,
        "learning_rate_init": 0.01,
    },
    {
        "layers": 2,
        "units_1": 256,
        "units_2": 128,
        "activation": "relu",
        "alpha": 0.001,
        "learning_rate_init": 0.001,
    },
)
def mlp(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest a perceptron of 1 to 3 hidden layers, each 4 to 256 units wide.

    The widths are conditional: `units_2` exists only where there are two layers or more.
    Columns should be on one scale: put the space behind `spaces.scaler` or into
    `spaces.tabular`.
    """
    perceptron = MLPClassifier if problem.is_classification else MLPRegressor
    layers = trial.suggest_int("layers", 1, 3)
    return perceptron(
        hidden_layer_sizes=tuple(
            trial.suggest_int(f"units_{layer}", 4, 256, log=True) for layer in range(1, layers + 1)
        ),
        activation=trial.suggest_categorical("activation", ["relu", "tanh"]),
        alpha=trial.suggest_float("alpha", 1e-6, 1.0, log=True),
        learning_rate_init=trial.suggest_float("learning_rate_init", 1e-4, 1e-1, log=True),
        max_iter=200,
    )
