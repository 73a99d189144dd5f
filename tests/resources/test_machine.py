"""Tests of optistruct.resources.machine."""

import json
import os
import platform

import pytest

from optistruct.resources import describe_machine


def test_describes_this_machine() -> None:
    machine = describe_machine()
    assert set(machine) == {"processor", "cores", "system", "python"}
    assert machine["python"] == platform.python_version()
    assert platform.system() in machine["system"]
    assert platform.machine() in machine["system"]
    assert isinstance(machine["processor"], str)
    assert machine["processor"]


def test_is_json_and_the_same_every_time() -> None:
    assert json.loads(json.dumps(describe_machine())) == describe_machine()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_counts_the_cores_that_the_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    assert describe_machine()["cores"] == len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert describe_machine()["cores"] == 1
    finally:
        os.sched_setaffinity(0, allowed)
