"""Every mistake of a user: one clear message, exit status 2, no traceback, nothing written."""

import gzip
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import optuna
import pytest

from tests.cli.conftest import SECONDS, environment, homes

pytestmark = pytest.mark.slow


class Mistake(NamedTuple):
    arguments: Sequence[str]
    message: str
    """A regular expression for the one line on stderr, after `Error: `."""


SEARCH = ("search", "homes.csv", "--target", "sold", "--trials", "2")


def search(file: str, target: str = "sold") -> tuple[str, ...]:
    return ("search", file, "--target", target, "--trials", "2")


MISTAKES = {
    "no file": Mistake(search("nothing.csv"), r"there is no file nothing\.csv"),
    "name too long": Mistake(search("n" * 300 + ".csv"), "there is no file nnn"),
    "table as a script": Mistake(
        ("run", "homes.csv"), r"homes\.csv is no script but a table: use optistruct search"
    ),
    "column": Mistake(
        search("homes.csv", "slod"), "unknown column 'slod'; known, nearest first: sold, .*age"
    ),
    "space": Mistake(
        (*SEARCH, "--space", "random_forst"),
        "unknown space 'random_forst'; known, nearest first: random_forest, .*lightgbm",
    ),
    "objective": Mistake(
        (*SEARCH, "--objective", "parameter"),
        "unknown objective 'parameter'; known, nearest first: parameters, .*accuracy",
    ),
    "sampler": Mistake(
        (*SEARCH, "--sampler", "nsga"), "unknown sampler 'nsga'; known, nearest first: nsga2, nsga3"
    ),
    "scorer of another task": Mistake(
        (*search("homes.csv", "price"), "--objective", "accuracy"),
        "the scorer 'accuracy' does not fit a regression target",
    ),
    "scorer of probabilities": Mistake(
        (*search("homes.csv", "price"), "--objective", "roc_auc"),
        "the scorer 'roc_auc' does not fit a regression target",
    ),
    "table without rows": Mistake(search("headers.csv"), "X is empty: 0 rows, 5 columns"),
    "table without columns": Mistake(search("column.csv"), "X is empty: 60 rows, 0 columns"),
    "empty file": Mistake(search("empty.csv"), r"empty\.csv cannot be read as a table: No columns"),
    "one class": Mistake(search("one_class.csv"), "the target has one value only, 'yes'"),
    "missing targets": Mistake(
        search("missing.csv"), "the target has 3 missing values: drop those rows or fill them"
    ),
    "fewer rows than folds": Mistake(
        search("four.csv", "price"), "cannot split the data: .*5 greater than .* samples: .*4"
    ),
    "no table": Mistake(search("homes.txt"), r"homes\.txt must be a \.csv, \.csv\.gz or \.parquet"),
    "no parquet": Mistake(search("broken.parquet"), r"broken\.parquet cannot be read as a table"),
    "half a gzip": Mistake(search("half.csv.gz"), r"half\.csv\.gz cannot be read as a table"),
    "timeout": Mistake((*SEARCH, "--timeout", "0"), r"timeout must be a number of seconds above 0"),
    "no url": Mistake((*SEARCH, "--storage", "my.db"), "storage must be a database URL such as"),
    "no port": Mistake(
        ("run", "study.py", "--storage", "postgresql://me@host:port/db"),
        "storage must be a database URL such as",
    ),
    "no time limit": Mistake(
        (*SEARCH, "--storage", "sqlite:///studies.db?timeout=abc"), "cannot be opened: could not"
    ),
    "no folder": Mistake(
        (*SEARCH, "--storage", "sqlite:///nowhere/my.db"), "the folder of the database .* not exist"
    ),
    "no database": Mistake(
        (*SEARCH, "--storage", "sqlite:///homes.csv"), "cannot be opened: file is not a database"
    ),
    "another tool's": Mistake(
        (*SEARCH, "--storage", "sqlite:///foreign.db"), "is not one of Optuna's: it holds invoices"
    ),
    "list: no file": Mistake(("list",), r"there is no database optistruct\.db: run a study first"),
    "show: no study": Mistake(
        ("show", "nothing", "--storage", "sqlite:///studies.db"),
        "no study 'nothing' in this database: it holds plain",
    ),
    "show: not ours": Mistake(
        ("show", "plain", "--storage", "sqlite:///studies.db"), "'plain' was not made by optistruct"
    ),
    "run: no script": Mistake(("run", "nothing.py"), r"there is no script nothing\.py"),
    "run: timeout": Mistake(
        ("run", "study.py", "--timeout", "0"), r"timeout must be a number of seconds above 0"
    ),
}

USAGE = {
    "no such command": (("frobnicate",), "No such command 'frobnicate'"),
    "no target": (("search", "homes.csv"), "Missing option '--target'"),
    "no trials": ((*SEARCH, "--trials", "0"), "Invalid value for '--trials'"),
    "no number": ((*SEARCH, "--trials", "many"), "Invalid value for '--trials': .*integer"),
    "run: no trials": (("run", "study.py", "--trials", "0"), "Invalid value for '--trials'"),
    "report: no output": (("report", "plain"), "Missing option '--output'|Missing option '-o'"),
    "no such option": ((*SEARCH, "--colour", "red"), "No such option: --colour"),
}

SCRIPT = """
from sklearn.datasets import load_iris
from optistruct import StructureStudy, objectives, spaces

by = [objectives.Score("accuracy"), objectives.ParameterCount()]
study = StructureStudy(spaces.decision_tree, by, name="iris", storage="sqlite:///mine.db", cv=2)
study.optimize(*load_iris(return_X_y=True), n_trials=2)
"""


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every kind that are no good, and one table that is."""
    folder = tmp_path_factory.mktemp("model")
    table = homes()
    whole = table.to_csv(index=False)
    (folder / "homes.csv").write_text(whole)
    (folder / "homes.txt").write_text(whole)
    (folder / "broken.parquet").write_text(whole)
    compressed = gzip.compress(whole.encode())
    (folder / "half.csv.gz").write_bytes(compressed[: len(compressed) // 2])
    (folder / "empty.csv").touch()
    (folder / "headers.csv").write_text(whole.partition("\n")[0] + "\n")
    table[["sold"]].to_csv(folder / "column.csv", index=False)
    table.assign(sold="yes").to_csv(folder / "one_class.csv", index=False)
    missing = table.copy()
    missing.loc[:2, "sold"] = None
    missing.to_csv(folder / "missing.csv", index=False)
    table.head(4).to_csv(folder / "four.csv", index=False)
    foreign = sqlite3.connect(folder / "foreign.db")
    foreign.execute("CREATE TABLE invoices (id INTEGER)")
    foreign.commit()
    foreign.close()
    optuna.create_study(study_name="plain", storage=f"sqlite:///{folder}/studies.db")
    (folder / "study.py").write_text(SCRIPT)
    return folder


FORKS = """
import gc
import json
import os
import sys

import optistruct.reporting  # imports are most of a command's time, spent only once here
import optistruct.study
from optistruct.cli.app import main

gc.freeze()  # or every process collects all of the modules when it ends
codes = []
for folder, arguments in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(f"{folder}.{name}", os.O_CREAT | os.O_WRONLY), number)
        sys.argv = ["optistruct", *arguments]
        main()
        sys.exit()
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""
"""Runs commands in turn, each in a process of its own that has the modules already."""


class Outcome(NamedTuple):
    code: int
    out: str
    err: str
    has_written: bool


@pytest.fixture(scope="module")
def outcomes(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Make all mistakes, each in a folder of its own."""
    cases = {name: mistake.arguments for name, mistake in MISTAKES.items()}
    cases |= {name: arguments for name, (arguments, _) in USAGE.items()}
    folders = [tmp_path_factory.mktemp("case") for _ in cases]
    for folder in folders:
        for file in model_folder.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    before = [_files(folder) for folder in folders]
    jobs = json.dumps(list(zip(map(str, folders), cases.values(), strict=True)))
    done = subprocess.run(
        [sys.executable, "-c", FORKS, jobs],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    return {
        name: Outcome(
            code,
            folder.with_suffix(".out").read_text(encoding="utf-8"),
            folder.with_suffix(".err").read_text(encoding="utf-8"),
            _files(folder) != files,
        )
        for name, folder, files, code in zip(
            cases, folders, before, json.loads(done.stdout), strict=True
        )
    }


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistake(outcomes: dict[str, Outcome], name: str) -> None:
    code, out, err, has_written = outcomes[name]
    assert code == 2, err
    assert out == ""
    [line] = err.strip().splitlines()
    assert re.match(f"Error: .*{MISTAKES[name].message}", line)
    assert not has_written


@pytest.mark.parametrize("name", list(USAGE))
def test_wrong_usage(outcomes: dict[str, Outcome], name: str) -> None:
    code, out, err, has_written = outcomes[name]
    assert code == 2, err
    assert out == ""
    assert err.count("Error") == 1
    assert re.search(USAGE[name][1], err)
    assert "Traceback" not in err
    assert not has_written
