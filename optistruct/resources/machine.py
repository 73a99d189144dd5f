"""The machine that a figure was measured on."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

__all__ = ["describe_machine", "machine_text"]

_PACKAGES = ("optistruct", "optuna", "scikit-learn", "lightgbm", "numpy", "pandas")


def describe_machine() -> dict[str, Any]:
    """Describe the processor, cores, system and packages of this machine, and its load.

    Returns:
        JSON: `processor`, `cores` (those that this process may use), `system`, `python`,
        `packages` (their versions), `load` (processes at work in the last minute; None where
        the system does not tell).
    """
    return {
        "processor": _processor(),
        "cores": joblib.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": _versions(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def machine_text(machine: Mapping[str, Any]) -> str:
    """Name what measured: two descriptions of one machine have one name.

    scikit-learn's version belongs to it, since the reference is one of its models.
    """
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"scikit-learn {machine['packages']['scikit-learn']}"
    )


@cache
def _versions() -> dict[str, str]:
    return {package: version(package) for package in _PACKAGES}


@cache
def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
