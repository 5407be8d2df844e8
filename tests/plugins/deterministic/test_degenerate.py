"""Input at the edges: each run ends in the engine's loop with the status that reason demands, at the best point seen.

No exception and no endless loop: whatever is asked here ends long before the budget, unless the table says that the
method has no way to tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Point
from optbench.records import Status
from optbench.testing.trials import Trial

BUDGET = 1000
# Slopes of 1e30 say nothing of the minimum: these stop within 1 % of what there is to gain.
POLE = r'^((cg|l?bfgs)\(line_search="(armijo|hager)|l?bfgs\(initial_scale="identity|bfgs\(self_scaling)'
FORMULA = r'^gradient-descent$|"fixed"|damping="0|trust_region="false"'  # whatever f does, the step is a formula
UNDAMPED = r'damping="0"'
FEEBLE = (  # too slow along valleys for the budget
    r'^gradient-descent|^coordinate-descent|^cg\(line_search="(armijo|hager)|initial_scale="identity"'
)


@dataclass(frozen=True)
class Case:
    """A function with its start, how runs from there end, and the value that they reach."""

    function: Callable[[Tensor], Tensor]  # the value, or the residuals
    start: tuple[float, ...]
    ends: str  # words, see `ending`
    best: float | None = None  # the least value, reached to `accuracy` of f(start) − best
    accuracy: float = 1e-10
    squares: bool = True  # the function gives residuals, whose squares add up to f
    evaluations: int | None = None  # of f, no more
    dtype: torch.dtype = torch.float64
    except_for: Mapping[str, str] = field(default_factory=dict)  # expression (found in the text) -> how those end


def rosenbrock(x: Tensor) -> Tensor:
    return torch.stack((10 * (x[1] - x[0] ** 2), 1 - x[0]))


def unitary(unit: float) -> Callable[[Tensor], Tensor]:
    """Rosenbrock's function of x in another unit."""
    return lambda x: rosenbrock(x / unit)


ANYHOW = "converged stalled budget diverged"
VALLEY = {FORMULA: ANYHOW, FEEBLE: "converged stalled budget"}
CASES: Mapping[str, Case] = {
    "one parameter": Case(
        lambda x: torch.cat(((x - 3) ** 2, x - 3)), (10.0,), "converged", 0.0, except_for={FORMULA: ANYHOW}
    ),
    "start at the optimum": Case(lambda x: x, (0.0, 0.0), "converged", 0.0, evaluations=1),
    "start at an optimum of 5": Case(
        lambda x: torch.cat((x - 1, x.new_full((1,), 5**0.5))), (1.0, 1.0), "converged", evaluations=1
    ),
    "constant": Case(lambda x: 0 * x.sum()[None] + 2, (1.0, 2.0), "converged", 4.0, evaluations=1),
    "linear": Case(
        lambda x: x.sum(),
        (1.0, 2.0),
        "unbounded",
        squares=False,
        except_for={UNDAMPED: "stalled", FORMULA: "budget unbounded"},
    ),
    "linear, squares of its slope beyond float32": Case(
        lambda x: (1e20 * x).sum(),
        (1.0, 2.0),
        "unbounded",
        squares=False,
        dtype=torch.float32,
        except_for={UNDAMPED: "stalled", FORMULA: ANYHOW + " unbounded"},
    ),
    "linear, squares of its slope vanish in float32": Case(
        lambda x: (1e-25 * x).sum(),
        (1.0, 2.0),
        "unbounded",
        squares=False,
        dtype=torch.float32,
        except_for={UNDAMPED: "stalled", FORMULA: ANYHOW + " unbounded"},
    ),
    "concave": Case(
        lambda x: -x.square().sum(),
        (1.0, 2.0),
        "unbounded",
        squares=False,
        except_for={UNDAMPED: "converged", FORMULA: "converged budget unbounded"},
    ),
    "falling ever faster": Case(
        lambda x: -x.exp().sum(),
        (0.0, 0.0),
        "unbounded",
        squares=False,
        except_for={UNDAMPED: "diverged", FORMULA: ANYHOW + " unbounded"},
    ),
    "falling ever faster in float32": Case(
        lambda x: -(x**3).sum(),
        (1e-8, 2e-8),
        "unbounded",
        squares=False,
        dtype=torch.float32,
        except_for={UNDAMPED: "converged", FORMULA: ANYHOW + " unbounded"},
    ),
    "beside a maximum": Case(
        lambda x: (x**4 - x**2).sum(),
        (1e-30,),
        "converged budget",
        squares=False,
        except_for={FORMULA: ANYHOW, r'^cg\(beta="(polak|hestenes)': "stalled"},
    ),
    "beside a maximum far from the minimum": Case(
        lambda x: (1e-3 * x**4 - x**3).sum(),
        (1e-8,),
        "converged stalled",
        -105468750.0,
        accuracy=1e-6,
        squares=False,
        dtype=torch.float32,
        except_for={FORMULA: ANYHOW},
    ),
    "beside a pole": Case(
        lambda x: (x - x.log()).sum(),
        (1e-30, 2e-30),
        "converged",
        2.0,
        squares=False,
        except_for={FORMULA: ANYHOW, POLE: "stalled"},
    ),
    "gradient that is no number": Case(
        lambda x: x.square().sum() + 0 * (x[:1] - 2).square().sum().sqrt(),
        (2.0, 1.0),
        "stalled",
        squares=False,
        evaluations=1,
    ),
    "Hessian that is no number": Case(
        lambda x: (x - 1).square().sum() + (x.clamp(min=0) ** 1.5).sum(),
        (0.0, 3.0),
        "converged stalled",
        1.2059073180007023,
        accuracy=1e-8,
        squares=False,
        except_for={FORMULA: ANYHOW},
    ),
    "NaN at the start": Case(lambda x: x.log(), (-1.0, 2.0), "diverged"),
    "inf at the start": Case(
        lambda x: 1 / x,
        (0.0, 2.0),
        "diverged",
        except_for={"differences": "stalled diverged"},  # beside it f is finite
    ),
    "-inf at the start": Case(lambda x: x.log().sum(), (0.0, 2.0), "diverged unbounded", squares=False),
    "NaN within the search": Case(
        lambda x: (x - x.log()).sum(), (1e-4, 50.0), "converged", 2.0, squares=False, except_for={FORMULA: ANYHOW}
    ),
    "NaN within the search for squares": Case(
        lambda x: x.log(), (0.3, 2.6), "converged", 0.0, except_for={FORMULA: ANYHOW}
    ),
    "inf within the search": Case(
        lambda x: torch.where(x > 0, x - x.log(), torch.inf).sum(),
        (1e-4, 50.0),
        "converged",
        2.0,
        squares=False,
        except_for={FORMULA: ANYHOW},
    ),
    "indefinite Hessian": Case(
        lambda x: torch.stack((x[0], x[1] ** 2 / 2 - 1)), (1.0, 0.1), "converged", 0.0, except_for={FORMULA: ANYHOW}
    ),
    "singular Hessian": Case(lambda x: x.sum()[None], (1.0, 2.0), "converged", 0.0, except_for={FORMULA: ANYHOW}),
    "Hessian that vanishes": Case(
        lambda x: x**2, (1.0, 2.0), "converged", 0.0, except_for={FORMULA: ANYHOW, "history=1,": ANYHOW}
    ),
    "float32": Case(
        rosenbrock, (-1.2, 1.0), "converged stalled", 0.0, accuracy=1e-6, dtype=torch.float32, except_for=VALLEY
    ),
    "f in small units": Case(lambda x: 1e-6 * rosenbrock(x), (-1.2, 1.0), "converged", 0.0, except_for=VALLEY),
    "f in large units": Case(lambda x: 1e6 * rosenbrock(x), (-1.2, 1.0), "converged", 0.0, except_for=VALLEY),
    "f in units whose squares vanish": Case(
        lambda x: 1e-120 * rosenbrock(x), (-1.2, 1.0), "converged", 0.0, except_for=VALLEY
    ),
    "f in units whose squares overflow": Case(
        lambda x: 1e120 * rosenbrock(x), (-1.2, 1.0), "converged", 0.0, except_for=VALLEY
    ),
    "beside a saddle": Case(
        lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2 + (x**4).sum(),
        (0.0, 1e-8),
        "converged stalled budget",
        squares=False,
        except_for={FORMULA: ANYHOW, "warm_start": ANYHOW},
    ),
    "on a plain": Case(
        lambda x: -(-x.square().sum() / 2).exp(),
        (6.0, -7.0),
        "converged stalled budget",
        squares=False,
        except_for={FORMULA: ANYHOW},
    ),
    "x in small units": Case(unitary(1e-12), (-1.2e-12, 1e-12), "converged", 0.0, except_for=VALLEY),
    "x in large units": Case(unitary(1e12), (-1.2e12, 1e12), "converged", 0.0, except_for=VALLEY),
    "x in vast units": Case(unitary(1e150), (-1.2e150, 1e150), "converged", 0.0, except_for=VALLEY),
}


class Given:
    """A problem of autograd alone."""

    f_star: float | None = None
    f_star_source = ""
    f_star_from_start: float | None = None

    def __init__(self, case: Case, hessian_of: Callable[..., Tensor]) -> None:
        self._case, self.size, self._hessian_of = case, len(case.start), hessian_of
        if case.squares:
            self.residuals = case.function

    def start(self, streams: Any) -> Point:
        return Point(parameters=torch.tensor(self._case.start, dtype=self._case.dtype))

    def value(self, x: Tensor) -> Tensor:
        return self._case.function(x).square().sum() if self._case.squares else self._case.function(x)

    def hessian(self, x: Tensor) -> Tensor:
        return self._hessian_of(self.value, x)


def ending(run: Trial) -> str:
    """Return how a run ended, in one word: "unbounded" at −∞, the optimizer's own, "diverged" or "budget"."""
    outcome = run.outcome
    if outcome.status is Status.OK or outcome.reason == "unbounded":
        return outcome.reason
    is_bottomless = outcome.status is Status.DIVERGED and -math.inf in run.trace["value"]
    return "unbounded" if is_bottomless else outcome.status.value


def expected(case: Case, text: str) -> set[str]:
    words = next((words for pattern, words in case.except_for.items() if re.search(pattern, text)), case.ends)
    return set(words.split())


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_it_must(method: Any, name: str, trial: Any, hessian_of: Any) -> None:
    check_end(method, CASES[name], trial, hessian_of)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_it_must_whatever_the_options(variant: Any, name: str, trial: Any, hessian_of: Any) -> None:
    check_end(variant, CASES[name], trial, hessian_of)


def check_end(variant: Any, case: Case, trial: Any, hessian_of: Any) -> None:
    if not case.squares and "gauss-newton" in variant.text:
        pytest.skip("it needs residuals")
    run = trial(variant, Given(case, hessian_of), evaluations=BUDGET, dtype=case.dtype)
    assert ending(run) in expected(case, variant.text), run.outcome
    values = [value for value in run.trace["value"] if not math.isnan(value)]
    if "diverged" not in expected(case, variant.text):
        assert run.end.dtype == case.dtype
        assert float(Given(case, hessian_of).value(run.end)) == min(values)
    if case.evaluations is not None:
        assert run.ledger.counts["value"] <= case.evaluations
    if case.best is not None and expected(case, variant.text) == set(case.ends.split()):
        assert min(values) - case.best <= case.accuracy * (values[0] - case.best)
