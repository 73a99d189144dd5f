"""A fitted model as ONNX Runtime runs it: converted, compared with the original, on one thread."""

import textwrap
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from optistruct.exceptions import ArgumentError, NotConvertibleError
from optistruct.resources.onnx_converters import Input, convert

__all__ = ["OnnxModel", "check_onnx", "to_onnx"]

_PART_THAT_MAY_MISS = 0.01
_FEWEST_ROWS_WITH_A_MISS = 20
_PART_OF_THE_SPREAD = 1e-3
_PART_OF_THE_VALUE = 1e-6
_FATAL_ONLY = 4
_LONGEST_REASON = 160


class OnnxModel:
    """A model that ONNX Runtime runs on one thread; `to_onnx` makes it.

    Attributes:
        content: The serialised model, as a file would hold it.
    """

    def __init__(self, content: bytes, inputs: list[Input], like: NDArray[Any]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _FATAL_ONLY
        self.content = content
        self._inputs = inputs
        self._like = like[:0]
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._wanted = [self._session.get_outputs()[0].name]

    def feed(self, X: Any) -> dict[str, NDArray[Any]]:
        """Prepare rows for `run`, outside of the time that a deployed model would take.

        Args:
            X: (rows, features) table of the type, and with the columns, of the one at conversion.

        Returns:
            The runtime's inputs by name: (rows, columns) float32 numbers, (rows, 1) text.
        """
        if not isinstance(X, pd.DataFrame):
            return {name: np.asarray(X, dtype=np.float32) for name, _, _ in self._inputs}
        return {
            name: _text(X.iloc[:, places[0]]) if is_text else _numbers(X.iloc[:, places])
            for name, places, is_text in self._inputs
        }

    def run(self, feed: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """Run the model on prepared rows, and ask for nothing but its prediction.

        Returns:
            The runtime's own output: (rows,) classes or (rows, outputs) numbers.
        """
        output: NDArray[Any] = self._session.run(self._wanted, feed)[0]
        return output

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict as the original does, in the shape and the type of its predictions."""
        output = self.run(self.feed(X))
        return output.reshape(-1, *self._like.shape[1:]).astype(self._like.dtype)


def to_onnx(model: Any, X: Any) -> OnnxModel:
    """Convert a fitted model to ONNX, open it in ONNX Runtime and compare the predictions.

    An array, or a DataFrame of numbers only, becomes one input; in other DataFrames each column
    of categories is an input of its own, which costs the runtime about a microsecond. A category
    never seen in fitting is none of the known ones, never one of the rare ones that share a
    column.

    Numbers go in as float32, as deployed models are usually fed: that can move a row over a
    tree's threshold, and the runtime orders neighbours at equal distance in its own way. So
    predictions must agree in 99 % of the rows (all but one of 20 to 99 rows, all of fewer): be
    the same class, or differ by at most a thousandth of the predictions' standard deviation plus
    a millionth of the value, which is what sums in float32 leave. In trials of every family
    numbers differed by half of that or less.

    Of functions (`FunctionTransformer`) those convert that hand on numbers as they are.

    Args:
        model: A fitted estimator.
        X: (rows, features) array or DataFrame of real rows, those of a fold for example.

    Raises:
        NotConvertibleError: If a part of the model has no converter, or the runtime's
            predictions are not the model's.
        ArgumentError: If the packages are not installed.
    """
    check_onnx()
    expected = np.asarray(model.predict(deepcopy(X)))  # it may write into the rows
    inputs = _inputs(model, X)
    try:
        content = convert(model, deepcopy(np.asarray(X) if isinstance(X, list) else X), inputs)
        converted = OnnxModel(content, inputs, expected)
        predicted = converted.predict(X)
    except Exception as error:  # each converter, and the runtime, raises errors of its own
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        raise _not_convertible(reason) from error
    _check_parity(predicted, expected)
    return converted


def check_onnx() -> None:
    """See that the packages which convert and run ONNX models are installed.

    Raises:
        ArgumentError: If one is not.
    """
    try:
        import onnxmltools  # noqa: F401
        import onnxruntime  # noqa: F401
        import skl2onnx  # noqa: F401
    except ImportError as error:
        raise ArgumentError(
            f'ONNX needs packages that are not installed ({error}): pip install "optistruct[onnx]"'
        ) from None


def _inputs(model: Any, X: Any) -> list[Input]:
    """Lay out the graph's inputs: numbers together where that is possible, text by the column.

    skl2onnx takes the columns of a step input by input, so that a layout must keep their order.
    """
    if not isinstance(X, pd.DataFrame):
        return [Input("X", list(range(np.shape(X)[1])), False)]
    places = range(X.shape[1])
    text = [place for place in places if _is_text(X.iloc[:, place])]
    odd = [place for place in places if not _is_plain(X.iloc[:, place])]
    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    columns = getattr(first, "_preprocessor", None) or first
    is_split = isinstance(columns, ColumnTransformer)
    steps = columns._transformer_to_input_indices.values() if is_split else [list(places)]
    for apart in ([odd] if is_split else []) + [text]:
        inputs = _layout([place for place in places if place not in apart], apart, text)
        if all(_keeps_order(list(step), inputs) for step in steps):
            return inputs
    return _layout([], list(places), text)


def _layout(together: list[int], apart: list[int], text: list[int]) -> list[Input]:
    matrix = [Input("X", together, False)] if together else []
    return matrix + [Input(f"column_{place}", [place], place in text) for place in apart]


def _keeps_order(step: list[int], inputs: list[Input]) -> bool:
    owners = {place: i for i, one in enumerate(inputs) for place in one.places}
    met = dict.fromkeys(owners[place] for place in step)
    return step == [place for owner in met for place in inputs[owner].places if place in step]


def _is_plain(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _is_text(column: "pd.Series[Any]") -> bool:
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    return not pd.api.types.is_numeric_dtype(values)


def _numbers(frame: pd.DataFrame) -> NDArray[np.float32]:
    return frame.to_numpy(dtype=np.float32, na_value=np.nan)


def _text(column: "pd.Series[Any]") -> NDArray[np.object_]:
    """Write categories as skl2onnx writes those of an encoder: a missing one is "nan" or "None"."""
    return np.array([[str(value)] for value in column], dtype=object)


def _check_parity(predicted: NDArray[Any], expected: NDArray[Any]) -> None:
    if expected.dtype.kind == "f":
        bound = _PART_OF_THE_SPREAD * expected.std(axis=0) + _PART_OF_THE_VALUE * abs(expected)
        agree = abs(predicted - expected) <= bound
    else:
        agree = predicted == expected
    rows = len(expected)
    misses = rows - int(agree.reshape(rows, -1).all(axis=1).sum())
    tolerated = max(int(rows * _PART_THAT_MAY_MISS), rows >= _FEWEST_ROWS_WITH_A_MISS)
    if misses > tolerated:
        raise _not_convertible(
            f"ONNX Runtime predicts otherwise than the model in {misses / rows:.1%} of {rows} rows"
        )


def _not_convertible(reason: str) -> NotConvertibleError:
    return NotConvertibleError(
        f"the model cannot be converted to ONNX: {reason}; leave such structures out of the "
        "space, or measure the model as Python runs it"
    )
