"""Bytes of a model as it would be shipped, the same for the same model wherever it is measured."""

import hashlib
import io
import pickle
import re
from typing import Any, Literal
from zipfile import ZipFile

import numpy as np
from sklearn.neighbors import BallTree, KDTree

from optistruct.exceptions import ArgumentError, NotConvertibleError, UnknownNameError
from optistruct.resources.onnx_runtime import check_onnx, to_onnx

__all__ = ["FORMATS", "Format", "check_format", "model_size"]

Format = Literal["pickle", "skops", "onnx"]

FORMATS: tuple[Format, ...] = ("pickle", "skops", "onnx")
"""The formats in which a model is shipped."""

_DIGITS_OF_AN_ADDRESS = 15
_COUNTERS = slice(7, 11)  # trims, leaves, splits and calls in the state of a search tree


def model_size(model: Any, format: Format = "pickle", X: Any = None) -> int:
    """Measure the bytes of a model in the format that it is shipped in.

    What is measured as a pickle (protocol 5) or by skops is a copy of the model in which equal
    arrays, strings and types of numbers are one object, and the counters of a nearest-neighbour
    search are 0. It predicts the same, and it has one size: that of the model itself depends on
    the process that fitted it, and on the predictions it has made. What skops writes contains
    addresses in memory, which count 15 digits each.

    Args:
        model: A fitted estimator.
        format: "pickle", "skops" or "onnx".
        X: (rows, features) table of real rows; ONNX needs it, see `to_onnx`.

    Returns:
        Bytes.

    Raises:
        NotConvertibleError: If the model cannot be written in the format.
        UnknownNameError: If there is no such format.
        ArgumentError: If what writes the format is not installed, or ONNX gets no rows.
    """
    check_format(format)
    if format == "onnx":
        if X is None:
            raise ArgumentError("the size in ONNX needs rows of the table: model_size(..., X=X)")
        return len(to_onnx(model, X).content)
    write = _skops_size if format == "skops" else _pickle_size
    try:
        return write(model)
    except Exception as error:  # pickle and skops raise many kinds, and so does a model's own code
        raise NotConvertibleError(
            f"the model cannot be written as {format}: {type(error).__name__}: {error}; "
            "leave such structures out of the space, or measure another format"
        ) from error


def check_format(format: str) -> None:
    """See that a format is known and what writes it is installed.

    Raises:
        UnknownNameError: If there is no such format.
        ArgumentError: If what writes it is not installed.
    """
    if format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS)
    if format == "onnx":
        check_onnx()
    if format == "skops":
        try:
            import skops.io  # noqa: F401
        except ImportError as error:
            raise ArgumentError(
                f'skops is not installed ({error}): pip install "optistruct[skops]"'
            ) from None


def _pickle_size(model: Any) -> int:
    content = io.BytesIO()
    _Writer(content).dump(model)
    return content.tell()


def _skops_size(model: Any) -> int:
    """Measure what skops writes, as if each address in it, in names too, had 15 digits."""
    import skops.io

    content = skops.io.dumps(_canonical(model))
    with ZipFile(io.BytesIO(content)) as archive:
        schema = archive.read("schema.json").decode()
        arrays = [re.sub(r"\.np[yz]$", "", name) for name in archive.namelist()]
    addresses = re.findall(r'"__id__": (\d+)', schema)
    addresses += re.findall(r'"file": "(\d+)\.np[yz]"', schema)
    addresses += 2 * [name for name in arrays if name.isdigit()]  # the archive names a file twice
    return len(content) + sum(_DIGITS_OF_AN_ADDRESS - len(address) for address in addresses)


def _canonical(model: Any) -> Any:
    """Copy a model so that equal arrays in it are one object."""
    content = io.BytesIO()
    writer = _Writer(content, aside=True)
    writer.dump(model)
    content.seek(0)
    return _Reader(content, writer.shared).load()


class _Writer(pickle.Pickler):
    """Writes a model so that only the values in it count, not which of them are one object.

    Args:
        file: Where to.
        aside: Whether what is shared is kept in `shared`; else it is written where it is first
            met, as pickle does.
    """

    def __init__(self, file: io.BytesIO, aside: bool = False) -> None:
        super().__init__(file, protocol=5)
        self.shared: list[Any] = []
        self._aside = aside
        self._places: dict[Any, int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        key = _value(obj)
        if key is None:
            return None
        is_new = key not in self._places
        if is_new:
            self._places[key] = len(self.shared)
            self.shared.append(obj)
        return None if is_new and not self._aside else self._places[key]

    def reducer_override(self, obj: Any) -> Any:
        if _is_plain_array(obj):
            return np.ndarray, (obj.shape, obj.dtype, obj.tobytes())
        if isinstance(obj, KDTree | BallTree):
            make, arguments, state = obj.__reduce__()
            state = list(state)
            state[_COUNTERS] = [0, 0, 0, 0]
            return make, arguments, tuple(state)
        return NotImplemented


class _Reader(pickle.Unpickler):
    """Reads what a `_Writer` wrote with what is shared kept aside."""

    def __init__(self, file: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: int) -> Any:
        return self._shared[pid]


def _value(obj: Any) -> Any:
    """Tell a string, a type of numbers or an array by its value; None for anything else."""
    if type(obj) is str or isinstance(obj, np.dtype):
        return obj
    if _is_plain_array(obj):
        return obj.dtype, obj.shape, hashlib.sha256(obj.tobytes()).digest()
    return None


def _is_plain_array(obj: Any) -> bool:
    return type(obj) is np.ndarray and not obj.dtype.hasobject
