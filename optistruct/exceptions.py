"""The errors that optistruct raises for a user's mistake; anything else is a bug.

```
OptistructError
├── ArgumentError        an argument has the wrong value          (also a ValueError)
│   └── UnknownNameError   a name that is not among the known ones
├── DataError            X or y cannot be searched on             (also a ValueError)
├── SpaceError           a structure space does not do its part
├── ResourceError        a model's resource cannot be measured    (also a TypeError)
│   └── NotConvertibleError  the model cannot be shipped in the format asked for
├── SubmodelError        a model holds no smaller structures      (also a TypeError)
│   └── NoSubmodelsError   no setting of a model of its kind asks for them
├── RecipeError          a stored object cannot be made again
├── StorageError         a database cannot be used
└── StudyError           a study cannot go on
    ├── StudyNotFoundError   no study has this name
    ├── StudyMismatchError   a stored study was made with something else
    ├── StudyRunningError    another process runs this study
    └── AllTrialsFailedError every evaluation so far has failed
```
"""

from collections.abc import Iterable
from difflib import SequenceMatcher

__all__ = [
    "AllTrialsFailedError",
    "ArgumentError",
    "DataError",
    "NoSubmodelsError",
    "NotConvertibleError",
    "OptistructError",
    "RecipeError",
    "ResourceError",
    "SpaceError",
    "StorageError",
    "StudyError",
    "StudyMismatchError",
    "StudyNotFoundError",
    "StudyRunningError",
    "SubmodelError",
    "UnknownNameError",
]

_MOST_LISTED = 20


class OptistructError(Exception):
    """The root of all errors that optistruct raises on purpose."""


class ArgumentError(OptistructError, ValueError):
    """An argument has a value that cannot be used."""


class UnknownNameError(ArgumentError):
    """A name that is not among the known ones; the message lists those, nearest first.

    Args:
        kind: What is named, such as "space" or "column".
        name: The name that was given.
        known: The names that exist.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        wanted = str(name).lower()
        nearest = sorted(
            known,
            key=lambda k: SequenceMatcher(None, wanted, k.lower()).ratio(),
            reverse=True,
        )
        listed = ", ".join(nearest[:_MOST_LISTED]) if nearest else "none"
        if len(nearest) > _MOST_LISTED:
            listed += f", and {len(nearest) - _MOST_LISTED} more"
        super().__init__(f"unknown {kind} {name!r}; known, nearest first: {listed}")
        self.known = nearest


class DataError(OptistructError, ValueError):
    """The data cannot be searched on: empty, one class, missing targets, too few rows."""


class SpaceError(OptistructError):
    """A structure space does not return an estimator, or is put together wrongly."""


class ResourceError(OptistructError, TypeError):
    """A resource of a model cannot be measured by a known definition."""


class NotConvertibleError(ResourceError):
    """A fitted model cannot be shipped in the format asked for, for the reason given."""


class SubmodelError(OptistructError, TypeError):
    """A fitted model holds no smaller structures, for the reason given."""


class NoSubmodelsError(SubmodelError):
    """Of a model of this kind, whatever its settings, no parameter asks for smaller structures."""


class RecipeError(OptistructError):
    """An object that a study stored by name cannot be made again in this process."""


class StorageError(OptistructError):
    """A database cannot be opened, or is not one of Optuna's."""


class StudyError(OptistructError):
    """A study cannot go on."""


class StudyNotFoundError(StudyError):
    """No study of this name is in the storage."""


class StudyMismatchError(StudyError):
    """The stored study was made with another space, other objectives, folds or data."""


class StudyRunningError(StudyError):
    """Another process on this machine is running the study."""


class AllTrialsFailedError(StudyError):
    """The first evaluations of a study have all failed, for the reason given."""
