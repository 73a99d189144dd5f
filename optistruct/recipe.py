"""Objects as JSON: how a study's database remembers its space, objectives and folds.

A recipe is a JSON value from which an object is made again. Numbers, texts, lists and mappings
stand for themselves; a function or class is the name by which it is imported; an object whose
constructor's parameters are its attributes (scikit-learn's convention, which optistruct's own
spaces and objectives follow) is its class's name and those. Whatever else there is becomes
`Opaque`: it can be named, and compared by that name, but not made again.

Restoring imports modules by name, and calls classes of optistruct, scikit-learn and LightGBM only.
Importing runs a module's code: open studies only from databases that you trust.
"""

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optistruct.exceptions import RecipeError

__all__ = ["Opaque", "Recipe", "describe", "is_whole", "restore", "text"]

Recipe = Any
"""A JSON value."""

_TRUSTED = ("optistruct.", "sklearn.", "lightgbm.")


@dataclass(frozen=True)
class Opaque:
    """Stands for an object that a recipe names but cannot make again.

    Attributes:
        name: What the object called itself where the recipe was written.
    """

    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse.

        Raises:
            RecipeError: Always; the message names the object.
        """
        raise RecipeError(
            f"{self.name!r} cannot be imported by name from the study's database: define it in a "
            "module that can be imported, or hand it over again (load_study(..., space=...))"
        )


def describe(thing: Any) -> Recipe:
    """Write an object as a recipe."""
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, Opaque):
        return {"opaque": thing.name}
    if isinstance(thing, list):
        return [describe(item) for item in thing]
    if isinstance(thing, tuple):
        return {"tuple": [describe(item) for item in thing]}
    if isinstance(thing, Mapping):
        return {"mapping": [[describe(key), describe(value)] for key, value in thing.items()]}
    if isinstance(thing, functools.partial):
        return {
            "partial": describe(thing.func),
            "args": [describe(item) for item in thing.args],
            "keywords": {key: describe(value) for key, value in thing.keywords.items()},
        }
    if hasattr(thing, "__qualname__"):
        return {"import": _path(thing)} if _is_importable(thing) else {"opaque": _unplaced(thing)}
    return _describe_instance(thing)


def restore(recipe: Recipe) -> Any:
    """Make the object of a recipe; parts that cannot be made become `Opaque`."""
    if isinstance(recipe, list):
        return [restore(item) for item in recipe]
    if not isinstance(recipe, Mapping):
        return recipe
    if "tuple" in recipe:
        return tuple(restore(item) for item in recipe["tuple"])
    if "mapping" in recipe:
        return {restore(key): restore(value) for key, value in recipe["mapping"]}
    if "partial" in recipe:
        function = restore(recipe["partial"])
        if not str(getattr(function, "__module__", "")).startswith(_TRUSTED):
            return Opaque(text(recipe))
        args = [restore(item) for item in recipe["args"]]
        return functools.partial(
            function, *args, **{key: restore(value) for key, value in recipe["keywords"].items()}
        )
    if "import" in recipe:
        return _import(recipe["import"])
    if "call" in recipe:
        return _restore_instance(recipe)
    return Opaque(str(recipe["opaque"]))


def is_whole(recipe: Recipe) -> bool:
    """Tell whether no part of a recipe is opaque."""
    if isinstance(recipe, Mapping):
        return "opaque" not in recipe and all(map(is_whole, recipe.values()))
    return all(map(is_whole, recipe)) if isinstance(recipe, list) else True


def text(recipe: Recipe) -> str:
    """Write a recipe as a person would: `Score(scoring='r2')`."""
    if isinstance(recipe, list):
        return f"[{', '.join(map(text, recipe))}]"
    if not isinstance(recipe, Mapping):
        return repr(recipe)
    if "tuple" in recipe:
        return f"({', '.join(map(text, recipe['tuple']))})"
    if "mapping" in recipe:
        items = (f"{text(key)}: {text(value)}" for key, value in recipe["mapping"])
        return f"{{{', '.join(items)}}}"
    if "partial" in recipe:
        keywords = (f"{key}={text(value)}" for key, value in recipe["keywords"].items())
        parts = [*map(text, recipe["args"]), *keywords]
        return f"{text(recipe['partial'])}({', '.join(parts)})"
    if "import" in recipe:
        return str(recipe["import"]).rpartition(":")[2]
    if "call" in recipe:
        arguments = ", ".join(f"{key}={text(value)}" for key, value in recipe["with"].items())
        return f"{str(recipe['call']).rpartition(':')[2]}({arguments})"
    return str(recipe["opaque"])


def _path(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _is_importable(thing: Any) -> bool:
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    if module is None or module.__name__ == "__main__":
        return False
    found: Any = module
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing


def _unplaced(thing: Any) -> str:
    """Name an object by what it is called and not by where this process keeps it."""
    if hasattr(thing, "__qualname__"):
        return str(thing.__qualname__)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def _describe_instance(thing: Any) -> Recipe:
    kind = type(thing)
    if not (_is_importable(kind) and _may_call(kind)):
        return {"opaque": _unplaced(thing)}
    parameters = [
        parameter
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if hasattr(thing, "get_params") and any(map(_is_beside_parameters, vars(thing))):
        return {"opaque": _unplaced(thing)}
    if not all(hasattr(thing, parameter.name) for parameter in parameters):
        return {"opaque": _unplaced(thing)}
    values = {parameter.name: getattr(thing, parameter.name) for parameter in parameters}
    changed = {
        parameter.name: describe(values[parameter.name])
        for parameter in parameters
        if parameter.default is parameter.empty
        or not _is_same(values[parameter.name], parameter.default)
    }
    if hasattr(thing, "get_params"):  # LightGBM takes any others
        others = thing.get_params(deep=False)
        changed |= {key: describe(other) for key, other in others.items() if key not in values}
    return {"call": _path(kind), "with": changed}


def _is_beside_parameters(attribute: str) -> bool:
    """Tell whether an attribute of an estimator is what a fit left, or what it was told to do."""
    is_fitted = attribute.endswith("_") and not attribute.startswith("_")
    return is_fitted or attribute in ("_sklearn_output_config", "_metadata_request")


def _is_same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return type(value) is type(default) and bool(np.all(value == default))


def _may_call(kind: Any) -> bool:
    return isinstance(kind, type) and f"{kind.__module__}.".startswith(_TRUSTED)


def _import(path: str) -> Any:
    module, _, qualname = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit):  # a module's own code may raise anything
        return Opaque(path)
    return found


def _restore_instance(recipe: Mapping[str, Any]) -> Any:
    kind = _import(recipe["call"])
    if not _may_call(kind):
        return Opaque(text(recipe))
    try:
        return kind(**{key: restore(value) for key, value in recipe["with"].items()})
    except Exception:  # a part is opaque, or the class has changed
        return Opaque(text(recipe))
