"""The public surface, and that it is imported only when it is used."""

import importlib
import subprocess
import sys

import pytest

import optistruct

PUBLIC = {
    "Candidate",
    "ParetoFront",
    "StructureStudy",
    "exceptions",
    "load_study",
    "objectives",
    "reporting",
    "samplers",
    "spaces",
}
HEAVY = ("lightgbm", "numpy", "optuna", "pandas", "plotly", "scipy", "sklearn", "sqlalchemy")


def imported_by(code: str) -> list[str]:
    """Run code in a fresh process; list the heavy packages that it has imported."""
    script = f"{code}\nimport sys\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()


def test_names() -> None:
    assert set(optistruct.__all__) == PUBLIC
    assert list(optistruct.__all__) == sorted(optistruct.__all__)
    assert set(dir(optistruct)) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_name_is_there(name: str) -> None:
    assert getattr(optistruct, name) is not None


@pytest.mark.parametrize("module", ["exceptions", "objectives", "reporting", "samplers", "spaces"])
def test_every_module_exports_what_it_says(module: str) -> None:
    loaded = importlib.import_module(f"optistruct.{module}")
    assert getattr(optistruct, module) is loaded
    assert loaded.__all__
    for name in loaded.__all__:
        assert hasattr(loaded, name), name


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'optistruct' has no attribute 'Study'"):
        optistruct.Study  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Study' from 'optistruct'"):
        from optistruct import Study  # noqa: F401


def test_import_is_light() -> None:
    assert imported_by("import optistruct") == []


def test_names_are_imported_when_used() -> None:
    assert "sklearn" in imported_by("from optistruct import StructureStudy")


HELP = """
import runpy, sys
sys.argv = ["optistruct", {arguments}]
try:
    runpy.run_module("optistruct", run_name="__main__")
except SystemExit as stop:
    assert not stop.code, stop.code
print()
"""


@pytest.mark.parametrize("arguments", ["'--help'", "'search', '--help'", "'report', '--help'"])
def test_help_is_light(arguments: str) -> None:
    assert imported_by(HELP.format(arguments=arguments)) == []
