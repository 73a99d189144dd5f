"""A front measured again from the command line, by what the study knows of its data."""

import runpy
import shutil
from pathlib import Path

import pytest

from optistruct import load_study
from tests.cli.conftest import homes, optistruct

pytestmark = pytest.mark.slow

SCRIPT = """
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.objectives import InferenceTime, ParameterCount, Score


def tree(trial):
    return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 2))


for name, resource in (("other", ParameterCount()), ("timed", InferenceTime())):
    study = StructureStudy(
        tree, [Score("accuracy"), resource], name=name, storage="sqlite:///mine.db", cv=2
    )
    study.optimize(*load_iris(return_X_y=True), n_trials=2)
print("the script is through")
"""


def measured_again(folder: Path, name: str, file: str = "optistruct.db") -> list[bool]:
    front = load_study(name, f"sqlite:///{folder / file}").front()
    return [member.remeasurement is not None for member in front]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and the database in which it was searched."""
    folder = tmp_path_factory.mktemp("searched")
    homes().to_csv(folder / "homes.csv", index=False)
    options = ("--space", "decision_tree", "--objective", "r2", "--objective", "inference_time")
    optistruct(folder, "search", "homes.csv", "--target", "price", "--trials", 2, *options)
    return folder


@pytest.fixture
def folder(searched: Path, tmp_path: Path) -> Path:
    """A folder with a copy of that database; the table is where it was searched."""
    homes().to_csv(searched / "homes.csv", index=False)
    shutil.copy(searched / "optistruct.db", tmp_path)
    return tmp_path


def test_of_a_table_that_was_searched(folder: Path) -> None:
    assert not any(measured_again(folder, "homes-price"))
    done = optistruct(folder, "remeasure", "homes-price")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "on the front were measured again, side by side, on " in " ".join(done.stdout.split())
    assert all(measured_again(folder, "homes-price"))
    assert "measured again" in optistruct(folder, "show", "homes-price").stdout


def test_of_a_script_that_was_run(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(SCRIPT)
    optistruct(tmp_path, "run", "study.py")
    done = optistruct(tmp_path, "remeasure", "timed", "--storage", "sqlite:///mine.db")
    assert done.returncode == 0, done.stderr
    assert "measured again, side by side" in " ".join(done.stdout.split())
    assert "the script is through" not in done.stdout
    assert all(measured_again(tmp_path, "timed", "mine.db"))
    assert not any(measured_again(tmp_path, "other", "mine.db"))
    for changed in ("print('nothing to see')", "import sys\nsys.exit(0)"):
        (tmp_path / "study.py").write_text(changed)
        done = optistruct(tmp_path, "remeasure", "timed", "--storage", "sqlite:///mine.db")
        assert done.returncode == 2
        assert "study.py does not run the study 'timed' any more" in " ".join(done.stderr.split())
    for name in ("timed", "other"):
        study = load_study(name, f"sqlite:///{tmp_path}/mine.db").optuna_study
        assert len(study.trials) == 2


def test_of_a_script_that_looks_at_another_study_first_and_changes_the_folder(
    tmp_path: Path,
) -> None:
    (tmp_path / "inner").mkdir()
    looks = SCRIPT.replace("n_trials=2)", "n_trials=2)\n    len(study.front())")
    (tmp_path / "study.py").write_text(f"import os\n\nos.chdir('inner')\n{looks}")
    for command in (("run", "study.py"), ("remeasure", "timed")):
        done = optistruct(tmp_path, *command, "--storage", "sqlite:///theirs.db")
        assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.rglob("*.db")] == ["theirs.db"]
    assert all(measured_again(tmp_path, "timed", "theirs.db"))


def test_of_a_table_that_has_changed(folder: Path, searched: Path) -> None:
    homes(59).to_csv(searched / "homes.csv", index=False)
    done = optistruct(folder, "remeasure", "homes-price")
    assert done.returncode == 2
    assert "other data: 60 rows of 5 columns then, 59 of 5 now" in done.stderr
    (searched / "homes.csv").unlink()
    done = optistruct(folder, "remeasure", "homes-price")
    assert done.returncode == 2
    assert "Error: there is no file" in done.stderr
    assert not any(measured_again(folder, "homes-price"))


def test_of_a_study_that_only_a_script_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.py").write_text(SCRIPT)
    runpy.run_path("study.py")
    done = optistruct(tmp_path, "remeasure", "timed", "--storage", "sqlite:///mine.db")
    assert done.returncode == 2
    assert "Error: the study 'timed' was begun by Python code" in done.stderr
    assert "`optistruct run SCRIPT`" in done.stderr
