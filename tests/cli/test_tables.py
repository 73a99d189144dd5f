"""Tests of optistruct.cli.tables."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from optistruct.cli.tables import read_table
from optistruct.exceptions import ArgumentError, DataError

HOMES = pd.DataFrame({"rooms": [1, 2, 3], "city": ["Bonn", "Graz", None], "sold": ["y", "n", "y"]})


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV", "a.b.Csv.Gz"])
def test_texts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    HOMES.to_csv(path, index=False, compression="gzip" if name.lower().endswith("gz") else None)
    X, y = read_table(path, "sold")
    assert list(X.columns) == ["rooms", "city"]
    assert y.tolist() == ["y", "n", "y"]


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.parquet"])
def test_parquet(tmp_path: Path, name: str) -> None:
    HOMES.to_parquet(tmp_path / name)
    X, y = read_table(tmp_path / name, "sold")
    assert (X.shape, y.name) == ((3, 2), "sold")


def test_parquet_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HOMES.to_parquet(tmp_path / "a.parquet")
    for module in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ArgumentError, match=r'pyarrow: pip install "optistruct\[parquet\]"'):
        read_table(tmp_path / "a.parquet", "sold")


@pytest.mark.parametrize("name", ["a.csv.zip", "a.csv.xz", "a.csv.zst", "csv", "a.xlsx"])
def test_of_another_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"rooms,sold")
    with pytest.raises(ArgumentError, match=r"must be a \.csv, \.csv\.gz or \.parquet file"):
        read_table(tmp_path / name, "sold")


def test_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"rooms,sold")
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_table(tmp_path / "a.csv.gz", "sold")


def test_a_long_column_has_one_type(tmp_path: Path) -> None:
    """In whatever row the first text stands."""
    columns = 17
    head = ",".join(["code", "sold", *(f"x{i}" for i in range(columns - 2))])
    rows = [",".join(["7"] * columns)] * 70_000 + [",".join(["7b"] + ["7"] * (columns - 1))]
    (tmp_path / "a.csv").write_text("\n".join([head, *rows]))
    X, _ = read_table(tmp_path / "a.csv", "sold")
    assert set(map(type, X["code"])) == {str}
