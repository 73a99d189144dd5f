"""Commands that read a database: list, show, report."""

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, spaces
from optistruct.objectives import ParameterCount, Score
from tests.cli.conftest import optistruct

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, binary: tuple[object, object]
) -> Iterator[Path]:
    """A database with two studies, one of them of a space that cannot be imported, and another."""
    folder = tmp_path_factory.mktemp("studies")
    url = f"sqlite:///{folder}/optistruct.db"
    by = [Score("accuracy"), ParameterCount()]
    trees = StructureStudy(spaces.decision_tree, by, name="trees", storage=url, cv=3)
    trees.optimize(*binary, n_trials=4)
    own = StructureStudy(
        lambda trial: DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 3)),
        [Score("accuracy", label="hits"), ParameterCount(at_most=1)],
        name="[own]",
        storage=url,
        cv=3,
    )
    own.optimize(*binary, n_trials=2)
    optuna.create_study(study_name="plain", storage=url)
    yield folder
    assert [path.name for path in folder.glob("*.db")] == ["optistruct.db"]


def test_list(folder: Path) -> None:
    done = optistruct(folder, "list")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if len(line.split()) > 3}
    assert "4 trials" in rows["trees"]
    assert "accuracy," in rows["trees"]
    assert "2 trials (2 refused)" in rows["[own]"]
    assert "hits," in rows["[own]"]
    assert done.stdout.count("parameters") == 2
    assert "not made by this optistruct" in rows["plain"]


def test_show(folder: Path) -> None:
    done = optistruct(folder, "show", "trees", "--storage", "sqlite:///optistruct.db")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "on the front of 4 trials" in done.stdout
    assert "accuracy" in done.stdout
    assert "max_leaf_nodes=" in done.stdout
    assert "±" in done.stdout


def test_show_of_an_empty_front(folder: Path) -> None:
    done = optistruct(folder, "show", "[own]")
    assert done.returncode == 0, done.stderr
    assert "[own]: 0 on the front of 2 trials (2 refused)" in " ".join(done.stdout.split())


def test_report(folder: Path, tmp_path: Path) -> None:
    done = optistruct(folder, "report", "trees", "-o", tmp_path / "front.html")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == f"wrote {tmp_path / 'front.html'}\n"
    page = (tmp_path / "front.html").read_text(encoding="utf-8")
    assert "<title>trees</title>" in page
    assert "Plotly.newPlot" in page
