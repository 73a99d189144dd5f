"""The command that searches a table without any code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optistruct.cli.options import Storage
from optistruct.cli.progress import live_progress
from optistruct.cli.tables import read_table
from optistruct.launch import DEFAULT_STORAGE, Launch, launching

if TYPE_CHECKING:
    from optistruct.spaces import Problem, Space

__all__ = ["search"]

_FOLDS = 5
_MOST_ROWS_FOR_SLOW_FAMILIES = 5_000
_SLOW_FAMILIES = ("nearest_neighbors", "mlp")


def search(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A .csv (or .csv.gz) or .parquet.")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict.")],
    space: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A family to search; repeat it for several."),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="parameters, operations, inference_time, size or a scorer's name; repeatable.",
        ),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="smsego, nsga2, greedy, random, tpe, optuna-nsga2, nsga3 or gp."
        ),
    ] = "smsego",
    trials: Annotated[int, typer.Option(metavar="N", min=1, help="Trials in all.")] = 100,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="Stop after this many seconds."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="End when N trials have brought hardly any hypervolume."
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(metavar="N", help="Structures evaluated at once; -1 is every core.")
    ] = 1,
    submodels: Annotated[
        bool,
        typer.Option(help="Measure what is nested in each fitted structure, too."),
    ] = True,
    racing: Annotated[
        bool,
        typer.Option(help="Spare structures that are surely dominated the folds that are left."),
    ] = True,
    task: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="binary, multiclass or regression, not the data's own."),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the study; FILE-COLUMN if none."),
    ] = None,
) -> None:
    """Search a table for accurate, small and fast models; the same command again goes on.

    Without options it takes the families that suit the data, and judges by balanced accuracy or
    R2, the number of parameters and the inference time. Categories and missing values need no
    preparation.

    Example: optistruct search churn.csv --target churned --trials 60

    Example: optistruct search prices.parquet --target price --space lightgbm --space linear
    --objective neg_mean_absolute_error --objective size
    """
    import rich

    from optistruct import objectives, samplers, spaces
    from optistruct.reporting import front_table
    from optistruct.study import StructureStudy

    families = {chosen: spaces.by_name(chosen) for chosen in space or ()}
    judged = [objectives.by_name(chosen) for chosen in dict.fromkeys(objective or ())]
    samplers.by_name(sampler)
    X, y = read_table(data, target)
    problem = spaces.Problem.from_data(X, y, task)  # type: ignore[arg-type]
    if not judged:
        score = "balanced_accuracy" if problem.is_classification else "r2"
        judged = [objectives.by_name(known) for known in (score, "parameters", "inference_time")]
    study = StructureStudy(
        spaces.tabular(_space(families, problem)),
        judged,
        name=name or f"{data.name.split('.')[0]}-{target}",
        storage=storage,
        sampler=sampler,
        cv=_folds(problem),
        submodels=submodels,
        racing=racing,
    )
    source = {"table": str(data.resolve()), "target": target}
    with live_progress() as callbacks, launching(Launch(source=source)):
        study.optimize(
            X, y, n_trials=trials, timeout=timeout, patience=patience, n_jobs=jobs,
            task=problem.task, callbacks=callbacks,
        )  # fmt: skip
    rich.print(front_table(study))


def _space(families: dict[str, "Space"], problem: "Problem") -> "Space":
    from optistruct import spaces

    if not families:
        is_large = problem.rows > _MOST_ROWS_FOR_SLOW_FAMILIES
        families = {
            known: family
            for known, family in spaces.FAMILIES.items()
            if not (is_large and known in _SLOW_FAMILIES)
        }
    chosen = list(families.values())
    return chosen[0] if len(chosen) == 1 else spaces.choice(*chosen)


def _folds(problem: "Problem") -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    splitter = StratifiedKFold if problem.is_classification else KFold
    return splitter(_FOLDS, shuffle=True, random_state=0)
