"""Multi-layer perceptrons.

| models | stored | operations a row |
|---|---|---|
| perceptron | every weight and bias; effective: the non-zero ones | the weights |
"""

from typing import Any

from sklearn.neural_network import MLPClassifier, MLPRegressor

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

_Perceptron = MLPClassifier | MLPRegressor


@stored_arrays.register(_Perceptron)
def _perceptron(model: Any) -> Stored:
    weights = {f"weights_{i}": Weights(layer) for i, layer in enumerate(model.coefs_)}
    biases = {f"biases_{i}": Weights(layer) for i, layer in enumerate(model.intercepts_)}
    return weights | biases


@operations_per_row.register(_Perceptron)
def _perceptron_operations(model: Any) -> float:
    return float(sum(layer.size for layer in model.coefs_))
