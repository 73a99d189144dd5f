"""From a fitted model to the bytes of an ONNX graph: skl2onnx, and what it needs to be right."""

import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from optistruct.resources.onnx_readable import readable

__all__ = ["Input", "convert"]

_OPSETS = {"": 21, "ai.onnx.ml": 3}
_NO_CODE = -1
_TREES = (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
_Convert = Callable[[Any, Any, Any], None]


class Input(NamedTuple):
    """An input of the graph.

    Attributes:
        name: Its name in the graph.
        places: Which columns of the table it holds.
        is_text: Whether it holds text; numbers otherwise.
    """

    name: str
    places: list[int]
    is_text: bool


def convert(model: Any, X: Any, inputs: list[Input]) -> bytes:
    """Convert a fitted model to ONNX.

    Args:
        model: A fitted estimator; it stays as it is.
        X: (rows, features) table of the model's type.
        inputs: What the graph is to be fed.

    Returns:
        The serialised graph, whose first output is the prediction.

    Raises:
        Exception: Whatever a converter raises for what it cannot convert.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    for package in _REGISTRATIONS.keys() & sys.modules.keys():
        _REGISTRATIONS[package]()
    plain = readable(model, X, [place for one in inputs for place in one.places])
    kinds = (FloatTensorType, StringTensorType)
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):  # for the converters' authors
            warnings.simplefilter("ignore", category)
        graph = convert_sklearn(
            plain,
            name="model",
            initial_types=[(i.name, kinds[i.is_text]([None, len(i.places)])) for i in inputs],
            options={"zipmap": False} if is_classifier(model) else None,
            target_opset=_OPSETS,
            custom_conversion_functions=_tree_converters(),
        )
    _right_distances(graph.graph)
    values = (*graph.graph.input, *graph.graph.output)
    _name_in_order(graph.graph, {value.name: value.name for value in values})
    content: bytes = graph.SerializeToString()
    return content


def _tree_converters() -> dict[type, _Convert]:
    """Make skl2onnx's converters of scikit-learn's trees heed missing values and categories."""
    from skl2onnx.common._registration import get_converter

    def heedful(kind: type) -> _Convert:
        convert_trees = get_converter(f"Sklearn{kind.__name__}")

        def converter(scope: Any, operator: Any, container: Any) -> None:
            convert_trees(scope, operator, _Heedful(container, _trees(operator.raw_operator)))

        return converter

    return {kind: heedful(kind) for kind in _TREES}


def _trees(model: Any) -> list[Any]:
    """List a model's trees in skl2onnx's order."""
    if hasattr(model, "_predictors"):
        return [tree for trees in model._predictors for tree in trees]
    return [tree.tree_ for tree in getattr(model, "estimators_", [model])]


class _Heedful:
    """The container of a converter, which sets right what skl2onnx writes of the trees.

    Missing values go where each node sends them, and a set of categories becomes a chain of
    nodes, one for each category.
    """

    def __init__(self, container: Any, trees: list[Any]) -> None:
        self._container = container
        self._trees = trees

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, *args: Any, **attributes: Any) -> None:
        """Add a node, one of trees with what skl2onnx leaves out."""
        if "nodes_treeids" in attributes:
            _heed(attributes, self._trees)
        self._container.add_node(op_type, *args, **attributes)


def _heed(attributes: dict[str, Any], trees: list[Any]) -> None:
    """Set missing values and categories right in the attributes of a node of trees."""
    places = list(zip(attributes["nodes_treeids"], attributes["nodes_nodeids"], strict=True))
    directions = [_missing_to_left(tree) for tree in trees]
    attributes["nodes_missing_value_tracks_true"] = [
        int(directions[tree][node]) for tree, node in places
    ]
    columns = {name: list(v) for name, v in attributes.items() if name.startswith("nodes_")}
    ends = [len(nodes) for nodes in directions]
    for row, (tree, node) in enumerate(places):
        for i, category in enumerate(_left_categories(trees[tree], node)):
            if i > 0:  # the node before asked for another category: if it was not that, ask on
                for values in columns.values():
                    values.append(values[row])
                columns["nodes_falsenodeids"][row] = columns["nodes_nodeids"][-1] = ends[tree]
                row, ends[tree] = len(columns["nodes_modes"]) - 1, ends[tree] + 1
            columns["nodes_modes"][row] = "BRANCH_EQ"
            columns["nodes_values"][row] = float(category)
    order = np.argsort(columns["nodes_treeids"], kind="stable")  # the runtime wants whole trees
    for name, values in columns.items():
        attributes[name] = [values[row] for row in order]


def _missing_to_left(tree: Any) -> NDArray[Any]:
    nodes = getattr(tree, "nodes", None)  # of histogram boosting
    directions: NDArray[Any] = (
        tree.missing_go_to_left if nodes is None else nodes["missing_go_to_left"]
    )
    return directions


def _left_categories(tree: Any, node: int) -> list[int]:
    """List the codes that a node sends to the left; none where it compares numbers."""
    if not hasattr(tree, "raw_left_cat_bitsets") or not tree.nodes["is_categorical"][node]:
        return []
    words = tree.raw_left_cat_bitsets[tree.nodes["bitset_idx"][node]]
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    return [int(code) for code in np.flatnonzero(bits)] or [_NO_CODE]  # missing values only


def _right_distances(graph: Any) -> None:
    """Undo the sign that skl2onnx gives the distances by which neighbours are weighted."""
    distances = {node.output[0] for node in graph.node if node.op_type == "TopK"}
    for node in graph.node:
        if node.op_type == "Mul" and node.input[0] in distances:
            node.op_type = "Abs"
            del node.input[1:]


def _name_in_order(graph: Any, names: dict[str, str]) -> None:
    """Name what is inside a graph by its order: skl2onnx counts on from earlier conversions.

    Args:
        graph: The graph; it is changed, with those in it.
        names: Each old name's new one; what it lacks is added.
    """

    def new(name: str) -> str:
        return names.setdefault(name, f"v{len(names)}") if name else name

    for value in (*graph.input, *graph.initializer):
        value.name = new(value.name)
    for node in graph.node:
        node.name = ""
        node.input[:] = [new(name) for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                attribute.g.name = node.op_type
                _name_in_order(attribute.g, names)
        node.output[:] = [new(name) for name in node.output]
    for value in (*graph.output, *graph.value_info):
        value.name = new(value.name)


@cache
def _register_lightgbm() -> None:
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    _register(LGBMClassifier, convert_lightgbm)
    _register(LGBMRegressor, convert_lightgbm)


@cache
def _register_xgboost() -> None:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from xgboost import XGBClassifier, XGBRegressor

    _register(XGBClassifier, convert_xgboost)
    _register(XGBRegressor, convert_xgboost)


@cache
def _register_catboost() -> None:
    from catboost import CatBoostClassifier, CatBoostRegressor

    _register(CatBoostClassifier, _convert_catboost, parser=_parse_catboost_classifier)
    _register(CatBoostRegressor, _convert_catboost)


_REGISTRATIONS: dict[str, Callable[[], None]] = {
    "catboost": _register_catboost,
    "lightgbm": _register_lightgbm,
    "xgboost": _register_xgboost,
}


def _register(kind: type, converter: _Convert, parser: Any = None) -> None:
    """Let skl2onnx convert a class, inside of pipelines, too."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    shapes = calculate_linear_regressor_output_shapes
    options: dict[str, Any] = {"split": None}
    if hasattr(kind, "predict_proba"):
        shapes = calculate_linear_classifier_output_shapes
        options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    update_registered_converter(
        kind, kind.__name__, shapes, converter, parser=parser, options=options
    )


def _parse_catboost_classifier(
    scope: Any, model: Any, inputs: Any, custom_parsers: Any = None
) -> Any:
    """Tell skl2onnx of the two outputs of a classifier: CatBoost's is none by its base classes."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    operator = scope.declare_local_operator(type(model).__name__, model)
    operator.inputs.extend(inputs)
    for name, kind in (("label", Int64TensorType), ("probabilities", FloatTensorType)):
        operator.outputs.append(scope.declare_local_variable(name, kind()))
    return operator.outputs


def _convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """Take over the node of trees from the graph that CatBoost itself exports."""
    from catboost.utils import convert_to_onnx_object
    from onnx.helper import get_attribute_value

    (trees, *_) = convert_to_onnx_object(operator.raw_operator).graph.node
    container.add_node(
        trees.op_type,
        operator.input_full_names,
        operator.output_full_names,
        op_domain="ai.onnx.ml",
        op_version=3,
        **{one.name: get_attribute_value(one) for one in trees.attribute},
    )
