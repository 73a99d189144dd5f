"""Read a table from a file."""

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from optistruct.exceptions import ArgumentError, DataError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_table", "read_table"]

_CSV, _PARQUET = (".csv", ".csv.gz"), ".parquet"


def read_table(path: Path, target: str) -> "tuple[pd.DataFrame, pd.Series]":
    """Read a table and part the column that is to be predicted from the others.

    Args:
        path: A .csv, .csv.gz or .parquet file.
        target: Name of the column.

    Raises:
        ArgumentError: If there is no such file, or it is of another kind.
        DataError: If it cannot be read.
        UnknownNameError: If it has no such column.
    """
    table = _read(path)
    if target not in table.columns:
        raise UnknownNameError("column", target, map(str, table.columns))
    return table.drop(columns=target), table[target]


def is_table(path: Path) -> bool:
    """Tell by its name whether a file is a table."""
    return path.name.lower().endswith((*_CSV, _PARQUET))


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not os.path.isfile(path):  # Path.is_file raises where a folder may not be read
        raise ArgumentError(f"there is no file {path}")
    name = path.name.lower()
    try:
        if name.endswith(_CSV):
            return pd.read_csv(path, low_memory=False)  # each column of one type
        if name.endswith(_PARQUET):
            return pd.read_parquet(path)
    except ImportError:
        raise ArgumentError(
            'reading .parquet needs pyarrow: pip install "optistruct[parquet]"'
        ) from None
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from None
    raise ArgumentError(f"{path} must be a .csv, .csv.gz or .parquet file")
