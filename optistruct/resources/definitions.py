"""Definitions for packages that optistruct does without: imported when a model of theirs comes."""

import sys
from importlib import import_module

__all__ = ["define_for"]

_PACKAGES = {"catboost", "xgboost"}


def define_for(kind: type, families: str = "optistruct.resources.families") -> bool:
    """Import the families of the packages that a type, or a base of it, is from.

    Args:
        kind: The type.
        families: The package that has a module of the same name for each of them, where it has one.

    Returns:
        Whether that brought definitions that were not there before.
    """
    packages = {base.__module__.partition(".")[0] for base in kind.__mro__} & _PACKAGES
    names = [f"{families}.{package}" for package in sorted(packages)]
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        import_module(name)
    return bool(missing)
