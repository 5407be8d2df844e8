"""Options of the deterministic optimizers and of their parts: what makes no sense is refused in one line."""

from __future__ import annotations

import pytest

from optbench.api import UserError
from optbench.registry import load_catalogue
from optbench.testing.subjects import subject_of

SENSELESS = {
    "gradient-descent": ["lr=0", "lr=-1", "lr=inf", "lr=nan", "lr=true", 'line_search="fixed(step=0)"'],
    "newton": ["damping=-1", "damping=inf", "damping=nan", 'damping="much"', 'trust_region="perhaps"'],
    "newton-cg": ["max_cg=-1", "max_cg=2.5", "forcing=1", "forcing=-0.1", "forcing=nan", 'curvature="secant"'],
    "gauss-newton": ["damping=-1", "damping=inf", "damping=nan", 'scaling="units"'],
    "cg": ["lr=0", "lr=inf", "warm_start=-1", "inner_steps=0", 'memory="some"'],
    "bfgs": ["self_scaling=1", 'initial_scale="none"', "pairs=1"],
    "lbfgs": ["history=0", "history=-3", "history=2.5", "history=inf", "history=true", "inner_steps=0"],
}
BLOCKS = ["groups(sizes=[])", "groups(sizes=[0])", "groups(sizes=[3, -1])", "groups(sizes=[1.5])"]
SOLVERS = ["exact(tolerance=0)", "exact(tolerance=1)", "exact(max_evaluations=0)", "cg(steps=0)"]
RESTARTS = ["every(k=-1)", "every(k=0.5)", "powell(threshold=0)", "powell(threshold=-1)", "powell(threshold=inf)"]
SEARCHES = [
    *(f"exact(tolerance={value})" for value in ("0", "1", "-1", "nan", "inf")),
    *(f"strong-wolfe(c1={value})" for value in ("0", "-0.1", "0.6", "nan", "inf")),
    *(f"strong-wolfe(c2={value})" for value in ("0", "1", "-0.1", "1.5", "nan", "inf")),
    *(f"hager-zhang(c1={value})" for value in ("0", "0.5", "nan")),
    *(f"hager-zhang(c2={value})" for value in ("0", "1", "inf")),
    *(f"hager-zhang({name}={value})" for name in ("epsilon", "omega") for value in ("-1", "nan", "inf")),
    *(f"hager-zhang({name}={value})" for name in ("theta", "gamma") for value in ("0", "1", "nan")),
    *(f"hager-zhang(rho={value})" for value in ("1", "0", "nan", "inf")),
    *(f"armijo(c1={value})" for value in ("0", "-1", "1", "nan")),
    *(f"armijo(shrink={value})" for value in ("0", "1", "nan")),
    *(f"fixed(step={value})" for value in ("0", "-1", "nan", "inf")),
    *(f"{name}(max_evaluations=0)" for name in ("exact", "armijo", "strong-wolfe", "hager-zhang")),
    *("strong-wolfe(bits=-1)", "strong-wolfe(bits=54)", "strong-wolfe(c1=0.2, c2=0.1)", "strong-wolfe(c1=0.1, c2=0.1)"),
    "hager-zhang(c1=0.3, c2=0.2)",
]
REFUSED = [
    *(f"{name}({options})" for name, given in SENSELESS.items() for options in given),
    *(f'coordinate-descent(blocks="{blocks}")' for blocks in BLOCKS),
    *(f'coordinate-descent(solver="{solver}")' for solver in SOLVERS),
    *(f'cg(restart="{restart}")' for restart in RESTARTS),
    *(f'lbfgs(line_search="{search}")' for search in SEARCHES),
]
EXTREME = [
    *('gradient-descent(line_search="fixed(step=1e-300)")', "gradient-descent(lr=1e300)", "newton(damping=0)"),
    *("newton(damping=1e300)", "newton-cg(forcing=0)", "newton-cg(max_cg=0)", "gauss-newton(damping=0)"),
    *('cg(restart="every(k=0)")', 'cg(restart="every(k=1)")', "lbfgs(history=1)", "lbfgs(history=1000)"),
    *(f'bfgs(line_search="{name}(c1=1e-300, c2=0.999)")' for name in ("strong-wolfe", "hager-zhang")),
    *('bfgs(line_search="armijo(c1=0.5)")', 'bfgs(line_search="hager-zhang(epsilon=0, omega=0)")'),
    *('bfgs(line_search="strong-wolfe(max_evaluations=1)")', 'bfgs(line_search="exact(tolerance=1e-300)")'),
]
CATALOGUE = load_catalogue()


@pytest.mark.parametrize("text", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line_that_says_what_is_allowed(text: str) -> None:
    with pytest.raises(UserError) as raised:
        subject_of(text, "optimizers", CATALOGUE).optimizer()
    line = str(raised.value)
    assert "\n" not in line
    assert any(word in line for word in ("allowed:", "expected", "lengths of groups")), line


@pytest.mark.parametrize("text", EXTREME)
def test_what_is_extreme_but_has_a_meaning_is_taken(text: str) -> None:
    assert subject_of(text, "optimizers", CATALOGUE).optimizer() is not None
