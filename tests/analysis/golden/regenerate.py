"""Write the golden values beside this file, by packages of others that compute the same; no test imports them.

In an environment of its own: pip install arch cocopp optimagic optiprofiler qpbenchmark statsmodels, then
python tests/analysis/golden/regenerate.py. Each file holds package, version, call, input and result; `null` is
infinity (unsolved).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


def expected_running_time() -> tuple[str, str, Any, Any]:
    """ERT of ten targets, 15 runs each, with fewer and fewer successes."""
    from cocopp.toolsstats import sp

    rng = np.random.default_rng(1)
    lengths = np.round(rng.uniform(500, 1500, 15))
    runtimes = np.sort(np.round(rng.lognormal(5, 1, (10, 15)) * 2 ** np.arange(10)[:, None]), axis=0)
    runtimes = np.where(runtimes < lengths, runtimes, np.inf)
    solved = np.isfinite(runtimes)
    spent = np.where(solved, runtimes, lengths)
    result = [sp(row, issuccessful=hit)[0] for row, hit in zip(spent, solved, strict=True)]
    return "cocopp", "toolsstats.sp(spent, issuccessful)[0]", {"runtimes": runtimes, "lengths": lengths}, result


def simulated_restarts() -> tuple[str, str, Any, Any]:
    """Deciles of simulated runtimes with a third of successes."""
    from cocopp.toolsstats import simulated_evals

    np.random.seed(1)  # noqa: NPY002 - the package draws from it
    solved, failed = [120.0, 340.0, 90.0], [1000.0, 800.0, 1200.0, 1000.0, 950.0, 1100.0]
    draws = np.array(simulated_evals(np.array(solved + failed), len(failed), 400_000))
    runtimes = [*solved, *[math.inf] * len(failed)]
    shown = {"runtimes": runtimes, "lengths": solved + failed}
    return (
        "cocopp",
        "toolsstats.simulated_evals(evals, 6, 400000): deciles, mean",
        shown,
        [
            *np.quantile(draws, np.arange(1, 10) / 10, method="inverted_cdf"),
            draws.mean(),
        ],
    )


def profiles() -> tuple[str, str, Any, Any]:
    """Both profiles and the areas under them, of 3 solvers on 20 problems with failures."""
    from optiprofiler.plotting import _get_extended_performances_data_profile_axes as axes
    from optiprofiler.profile_utils import integrate

    rng = np.random.default_rng(2)
    costs = np.round(rng.lognormal(4, 1, (3, 20)))
    costs[rng.random((3, 20)) < [[0.1], [0.3], [0.2]]] = np.inf
    costs[:, 7] = np.inf
    sizes = rng.integers(2, 30, 20)
    options = {"semilogx": True, "score_weight_fun": np.ones_like}
    work = np.where(np.isinf(costs), np.nan, costs).T[:, :, None]
    curves = {kind: [[None, None] for _ in costs] for kind in ("perf", "data")}
    *_, largest_perf, _, _, largest_data, curves = axes(work, sizes, options, curves)
    result = {
        "largest_log2_factor": largest_perf,
        "performance": [curve[-1] for curve in curves["perf"]],  # (log₂ factor, share) of each solver
        "data": [curve[-1] for curve in curves["data"]],  # (log₂(1 + simplex gradients), share)
        "area": [integrate(curve[-1], "perf", options) for curve in curves["perf"]],
        "largest_log2_data": largest_data,
    }
    call = "plotting._get_extended_performances_data_profile_axes(work, sizes), profile_utils.integrate(curve, 'perf')"
    return "optiprofiler", call, {"costs": costs, "sizes": sizes}, result


def convergence() -> tuple[str, str, Any, Any]:
    """Evaluations to the convergence test, from 0, of 2 solvers on 4 problems at 3 tolerances with known minima."""
    from optimagic.benchmarking.process_benchmark_results import process_benchmark_results
    from optimagic.visualization.profile_plot import create_solution_times

    rng = np.random.default_rng(3)
    minima, starts, tolerances = np.array([0.0, -3, 5, 1]), np.array([100.0, 7, 8, 2]), [1e-1, 1e-2, 1e-4]
    histories = [
        [
            minimum
            + (start - minimum) * np.concatenate([[1], 10 ** -(rate * np.arange(30) * rng.uniform(0.7, 1.3, 30))])
            for minimum, start in zip(minima, starts, strict=True)
        ]
        for rate in (0.3, 0.08)
    ]
    problems = {
        f"p{j}": {
            "solution": {"value": minimum, "params": np.zeros(1)},
            "start_criterion": start,
            "inputs": {"params": np.ones(1)},
        }
        for j, (minimum, start) in enumerate(zip(minima, starts, strict=True))
    }
    results = {
        (f"p{j}", f"s{i}"): {
            "params_history": np.ones((31, 1)),
            "criterion_history": history,
            "batches_history": np.arange(31),
            "time_history": np.arange(31.0),
        }
        for i, runs in enumerate(histories)
        for j, history in enumerate(runs)
    }
    tables = []
    for tolerance in tolerances:
        frame, converged = process_benchmark_results(problems, results, "y", y_precision=tolerance)
        tables.append(create_solution_times(frame, "n_evaluations", converged).to_numpy().T)
    call = "create_solution_times(*process_benchmark_results(…, 'y', y_precision=tolerance), 'n_evaluations')"
    shown = {"histories": histories, "starts": starts, "minima": minima, "tolerances": tolerances}
    return "optimagic", call, shown, np.array(tables)


def shifted_geometric_mean() -> tuple[str, str, Any, Any]:
    """Means of seconds over five decades, by shift."""
    from qpbenchmark.shgeom import shgeom

    seconds = 10.0 ** np.linspace(-3, 2.5, 23)
    shifts = [1.0, 10.0, 100.0]
    return (
        "qpbenchmark",
        "shgeom.shgeom(costs, shift)",
        {"costs": seconds, "shifts": shifts},
        [shgeom(seconds, shift) for shift in shifts],
    )


def paired_tests() -> tuple[str, str, Any, Any]:
    """Holm's adjustment, two one-sided tests and the t interval."""
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

    rng = np.random.default_rng(4)
    first, second = rng.normal(0.03, 0.1, 14), rng.normal(0, 0.1, 14)
    margins, p_values = [0.05, 0.1, 0.2], rng.random(12) ** 3
    result = {
        "holm": multipletests(p_values, method="holm")[1],
        "equivalence": [ttost_paired(first, second, -margin, margin)[0] for margin in margins],
        "t_interval": DescrStatsW(first - second).tconfint_mean(0.05),
        "t_test": DescrStatsW(first - second).ttest_mean()[1],
    }
    call = "multipletests(p, method='holm')[1]; ttost_paired(a, b, -m, m)[0]; DescrStatsW(a - b).tconfint_mean(0.05)"
    shown = {"differences": first - second, "margins": margins, "p_values": p_values}
    return "statsmodels", call, shown, result


def bootstrap_t() -> tuple[str, str, Any, Any]:
    """Studentised interval of the mean of skewed values."""
    from arch.bootstrap import IIDBootstrap

    values = np.round(np.random.default_rng(5).lognormal(0, 1, 15), 3)
    bootstrap = IIDBootstrap(values, seed=5)
    low, high = bootstrap.conf_int(
        np.mean, 100_000, method="studentized", std_err_func=lambda mean, x: np.std(x, ddof=1) / math.sqrt(len(x))
    )
    return "arch", "IIDBootstrap(values).conf_int(mean, 100000, method='studentized')", values, [low[0], high[0]]


def plain(value: Any) -> Any:
    """Return `value` as JSON has it: no arrays, no infinity."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    return None if math.isinf(value) else float(value)


GOLDEN: tuple[Callable[[], tuple[str, str, Any, Any]], ...] = (
    bootstrap_t,
    convergence,
    expected_running_time,
    paired_tests,
    profiles,
    shifted_geometric_mean,
    simulated_restarts,
)

if __name__ == "__main__":
    for make in GOLDEN:
        package, call, given, result = make()
        record = {"package": package, "version": version(package), "call": call, "what": make.__doc__}
        text = json.dumps({**record, "input": plain(given), "result": plain(result)}, indent=1)
        (HERE / f"{make.__name__}.json").write_text(text + "\n", encoding="utf-8")
