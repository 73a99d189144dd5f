"""Help of the command and of every one of its commands."""

from pathlib import Path

import pytest

from tests.cli.conftest import optistruct

COMMANDS = ("run", "search", "list", "show", "report", "remeasure")


def test_of_the_command(tmp_path: Path) -> None:
    done = optistruct(tmp_path, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for command in COMMANDS:
        assert f" {command} " in done.stdout
    assert "Example: optistruct search data.csv --target price" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_of_every_command(tmp_path: Path, command: str) -> None:
    done = optistruct(tmp_path, command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert f"Example: optistruct {command}" in done.stdout
    assert "--storage" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_tells_the_defaults_of_search(tmp_path: Path) -> None:
    told = optistruct(tmp_path, "search", "--help").stdout
    for default in (
        "sqlite:///optistruct.db",
        "[default: 100]",
        "[default: smsego]",
        "FILE-COLUMN",
    ):
        assert default in told


def test_without_a_command(tmp_path: Path) -> None:
    done = optistruct(tmp_path)
    assert done.returncode == 2
    assert "Usage:" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
