"""Tests of optistruct.resources.machine."""

import json
import os
import platform

import pytest
import sklearn

from optistruct.resources import describe_machine, machine_text


def test_describes_this_machine() -> None:
    machine = describe_machine()
    assert set(machine) == {"processor", "cores", "system", "python", "packages", "load"}
    assert machine["packages"]["scikit-learn"] == sklearn.__version__
    assert machine["python"] == platform.python_version()
    assert platform.system() in machine["system"]
    assert platform.machine() in machine["system"]
    assert isinstance(machine["processor"], str)
    assert machine["processor"]


def test_is_json_and_the_same_every_time_but_for_the_load() -> None:
    now = describe_machine()
    assert json.loads(json.dumps(now)) == now
    assert now | {"load": None} == describe_machine() | {"load": None}


def test_two_descriptions_of_one_machine_have_one_name() -> None:
    now = describe_machine()
    later = now | {"load": 7.0, "python": "3.99"}
    assert machine_text(now) == machine_text(later)
    assert machine_text(now) != machine_text(now | {"processor": "another"})
    assert f"{now['cores']} cores" in machine_text(now)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_counts_the_cores_that_the_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    assert 1 <= describe_machine()["cores"] <= len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert describe_machine()["cores"] == 1
    finally:
        os.sched_setaffinity(0, allowed)
