"""Solvers of other libraries, to compare with: each at its best settings, asked through the same counting oracle.

What was set and why stands in the module of each library. scipy and torch are there anyway; the others come with
`optbench[peers]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optbench.api import Evaluation, OptimizerPlugin, Option, hookimpl

_EXTRA = "optbench[peers]"
_NOCEDAL_WRIGHT = "Nocedal & Wright, Numerical Optimization (2006)"
_CONN = "Conn, Gould & Toint, Trust Region Methods (2000)"
_LIU = "Liu & Nocedal, Math. Programming 45 (1989)"
_LUKSAN = "Lukšan & Spedicato, J. Comput. Appl. Math. 124 (2000)"

_SECOND: frozenset[Evaluation] = frozenset({"value", "gradient", "hessian"})
_PRODUCTS: frozenset[Evaluation] = frozenset({"value", "gradient", "hessian_vector"})

_HISTORY = Option(default=10, doc="pairs of displacement and gradient change kept", low=1, high=10_000, search="log")
_RADIUS = Option(default=1.0, doc="the first radius of the trust region", low=1e-8, high=1e8)

_REFUSES_NAN = {"survives-nan": "scipy raises ValueError for what is not finite: status error, the best point is kept"}
_NLOPT_FAILS = {
    "float32-and-float64": "nlopt computes in float64, whatever the trial's precision",
    "survives-nan": "nlopt raises a bare runtime_error for what is not finite: status error, the best point is kept",
    "repeats-bitwise": "nlopt raises a bare runtime_error where rounding ends its line search: status error",
}

_DENSE: Mapping[str, Any] = {"state_memory": "O(n^2)", "peak_memory": "O(n^2)", "step_time": "O(n^3)"}
_LIMITED: Mapping[str, Any] = {"state_memory": "O(m n)", "peak_memory": "O(m n)", "step_time": "O(m n)"}


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield the solvers; they own their loops, so nothing can be done between steps."""
    yield from _scipy_first_order()
    yield from _scipy_second_order()
    yield from _torch()
    yield from _torchmin_first_order()
    yield from _torchmin_second_order()
    yield from _nlopt()


def _scipy_first_order() -> Iterator[OptimizerPlugin]:
    yield _scipy(
        "l-bfgs-b",
        "L-BFGS-B, without bounds.",
        {"history": _HISTORY, "max_search": Option(default=50, doc="trial points a line search", low=1)},
        cite="Zhu, Byrd, Lu & Nocedal, ACM TOMS 23 (1997)",
        **_LIMITED,
    )
    yield _scipy(
        "bfgs",
        "BFGS, with a dense inverse Hessian.",
        _wolfe(0.9),
        cite=f"{_NOCEDAL_WRIGHT}, algorithm 6.1",
        **_DENSE,
    )
    yield _scipy(
        "cg",
        "nonlinear conjugate gradients (Polak-Ribière).",
        _wolfe(0.4),
        cite=f"{_NOCEDAL_WRIGHT}, section 5.2",
    )


def _scipy_second_order() -> Iterator[OptimizerPlugin]:
    yield _scipy(
        "newton-cg",
        "Newton-CG with a line search.",
        _wolfe(0.9),
        cite=f"{_NOCEDAL_WRIGHT}, section 7.1",
        evaluations=_PRODUCTS,
    )
    yield _scipy(
        "trust-exact",
        "trust-region Newton method, steps nearly exact.",
        {"radius": _RADIUS},
        cite=f"{_CONN}, section 7.3; Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)",
        failures=_REFUSES_NAN,
        evaluations=_SECOND,
        **_DENSE,
    )
    yield _scipy(
        "trust-krylov",
        "trust-region Newton method, steps from a Krylov subspace.",
        {"radius": _RADIUS},
        cite="Gould, Lucidi, Roma & Toint, SIAM J. Optim. 9 (1999); Lenders, Kirches & Potschka, 2016",
        failures=_REFUSES_NAN,
        evaluations=_PRODUCTS,
        **_LIMITED,
    )
    yield _scipy(
        "trust-ncg",
        "trust-region Newton method, steps from truncated conjugate gradients.",
        {"radius": _RADIUS},
        cite=f"{_NOCEDAL_WRIGHT}, algorithm 7.2",
        failures=_REFUSES_NAN,
        evaluations=_PRODUCTS,
    )


def _torch() -> Iterator[OptimizerPlugin]:
    yield OptimizerPlugin(
        name="torch-lbfgs",
        factory="optbench_peers.torch_lbfgs:lbfgs",
        summary="torch.optim.LBFGS with its strong Wolfe line search.",
        options={"history": _HISTORY},
        cite=_LIU,
        gives=frozenset(),
        **_LIMITED,
    )


def _torchmin_first_order() -> Iterator[OptimizerPlugin]:
    yield _torchmin("bfgs", "BFGS, with a dense inverse Hessian.", cite=f"{_NOCEDAL_WRIGHT}, algorithm 6.1", **_DENSE)
    yield _torchmin("l-bfgs", "limited-memory BFGS.", {"history": _HISTORY}, cite=_LIU, **_LIMITED)
    yield _torchmin("cg", "nonlinear conjugate gradients (Polak-Ribière+).", cite=f"{_NOCEDAL_WRIGHT}, section 5.2")


def _torchmin_second_order() -> Iterator[OptimizerPlugin]:
    yield _torchmin(
        "newton-cg", "Newton-CG with a line search.", cite=f"{_NOCEDAL_WRIGHT}, section 7.1", evaluations=_PRODUCTS
    )
    yield _torchmin(
        "newton-exact",
        "Newton's method by Cholesky factorisation, with a line search.",
        {
            "indefinite": Option(
                default="eig",  # solves most
                doc="direction where the Hessian is indefinite: gradient, its Cauchy point, LU, shifted eigenvalues",
                choices=("grad", "cauchy", "lu", "eig"),
            )
        },
        cite=f"{_NOCEDAL_WRIGHT}, section 3.4",
        evaluations=_SECOND,
        **_DENSE,
    )
    yield _torchmin(
        "trust-exact",
        "trust-region Newton method, steps nearly exact.",
        {"radius": _RADIUS},
        cite=f"{_CONN}, section 7.3",
        expected_failures={"survives-nan": "it would never return, so that the wrapper raises: status error"},
        evaluations=_SECOND,
        **_DENSE,
    )
    yield _torchmin(
        "trust-ncg",
        "trust-region Newton method, steps from truncated conjugate gradients.",
        {"radius": _RADIUS},
        cite=f"{_NOCEDAL_WRIGHT}, algorithm 7.2",
        evaluations=_PRODUCTS,
    )


def _nlopt() -> Iterator[OptimizerPlugin]:
    for name, factory, summary in (
        ("lbfgs", "lbfgs", "limited-memory BFGS."),
        ("var2", "var2", "shifted limited-memory variable-metric method of rank 2."),
        ("tnewton", "truncated_newton", "preconditioned truncated Newton method with restarts."),
    ):
        yield OptimizerPlugin(
            name=f"nlopt-{name}",
            factory=f"optbench_peers.nlopt_minimize:{factory}",
            summary=f"nlopt's {summary}",
            options={"history": _HISTORY},
            cite=_LUKSAN,
            requires={"nlopt": _EXTRA},
            gives=frozenset(),
            expected_failures=_NLOPT_FAILS,
            **_LIMITED,
        )


def _scipy(
    name: str, summary: str, options: Mapping[str, Option], *, failures: Mapping[str, str] | None = None, **fields: Any
) -> OptimizerPlugin:
    known = {"float32-and-float64": "scipy computes in float64, whatever the trial's precision"}
    return OptimizerPlugin(
        name=f"scipy-{name}",
        factory=f"optbench_peers.scipy_minimize:{name.replace('-', '_')}",
        summary=f"scipy's {summary}",
        options=options,
        gives=frozenset(),
        expected_failures={**known, **(failures or {})},
        **fields,
    )


def _torchmin(name: str, summary: str, options: Mapping[str, Option] | None = None, **fields: Any) -> OptimizerPlugin:
    return OptimizerPlugin(
        name=f"torchmin-{name}",
        factory=f"optbench_peers.torchmin_minimize:{name.replace('-', '_')}",
        summary=f"pytorch-minimize's {summary}",
        options=options or {},
        requires={"torchmin": _EXTRA},
        gives=frozenset(),
        **fields,
    )


def _wolfe(slope: float) -> dict[str, Option]:
    return {
        "c1": Option(default=1e-4, doc="sufficient decrease, as a share of what the slope promises", low=0.0, high=0.5),
        "c2": Option(default=slope, doc="what may remain of the slope; small is accurate", low=0.0, high=1.0),
    }
