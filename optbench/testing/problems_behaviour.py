"""Checks of how a problem behaves: shapes, repeatability, no side effects, an honest f*. Shapes: n parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from optbench.testing.blame import defined_at
from optbench.testing.framework import DoesNotApply, Subject, require
from optbench.testing.problems_rig import Rig, arguments
from optbench.testing.process_state import require_untouched
from optbench.testing.trials import place

_SOURCES = ("exact", "bound", "best known", "")
_ROUNDING = 1e-9  # of |f*|: what a value may lie below the least one
_CANCELLED = 1e-3  # of |f| at the start, whose terms may cancel below
_EVALUATIONS = 300  # of the descent that looks for values below f*
_LARGE = 2000  # parameters from which on no Hessian is formed for its shape


def check_shapes(subject: Subject) -> None:
    """Build in both float types and look at everything that comes back."""
    for dtype in (torch.float64, torch.float32):
        rig = Rig.build(subject, place(dtype=dtype))
        require(isinstance(rig.problem.size, int) and rig.n >= 1, f"size is {rig.problem.size!r}; expected an int ≥ 1")
        x = rig.start().parameters
        _require_tensor(x, (rig.n,), dtype, "start", _start_at(rig))
        require(x.is_contiguous(), f"start is not contiguous{defined_at(rig.problem.start)}")
        _require_layout(rig)
        for kind, shape in _shapes(rig):
            for result in _asked(rig, kind, x):
                _require_tensor(result, shape, dtype, kind, rig.at(kind))


def _shapes(rig: Rig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each kind of evaluation that is declared, with its result's shape."""
    n, offered = rig.n, rig.derivatives.offers() & rig.subject.record.evaluations
    shapes = {"value": (), "gradient": (n,), "hessian_vector": (n,), "gauss_newton_vector": (n,), "line_minimum": ()}
    if n <= _LARGE:
        shapes["hessian"] = (n, n)
    yield from ((kind, shape) for kind, shape in shapes.items() if kind in offered)


def _asked(rig: Rig, kind: str, x: Tensor) -> list[Tensor]:
    """Return the results of one kind of evaluation, on each of the batches."""
    results = [rig.evaluate(kind, *arguments(kind, x), batch) for batch in rig.batches()]
    return [result[1] if isinstance(result, tuple) else result for result in results]


def _require_tensor(result: Any, shape: tuple[int, ...], dtype: torch.dtype, what: str, at: str) -> None:
    require(isinstance(result, Tensor), f"{what} is a {type(result).__name__}; expected a tensor{at}")
    got, expected = (tuple(result.shape), result.dtype), (shape, dtype)
    require(got == expected, f"{what} has shape {got[0]} and {got[1]}; expected {expected[0]} and {expected[1]}{at}")


def _require_layout(rig: Rig) -> None:
    """Require that the named tensors, if there are any, fill the point without gaps or overlaps."""
    end = 0
    for name, (offset, shape) in sorted(rig.start().layout.items(), key=lambda item: item[1][0]):
        require(
            offset == end, f"the layout's tensor {name!r} begins at {offset}; expected {end}, where the last one ends"
        )
        end = offset + torch.Size(shape).numel()
    require(end in (0, rig.n), f"the layout ends at {end}; expected {rig.n}, the problem's size")


def check_start(subject: Subject) -> None:
    """Write into what the problem gave, and ask again."""
    rig = Rig.build(subject)
    first = rig.start().parameters
    kept = first.clone()
    first.fill_(torch.nan)
    _require_equal(rig.start().parameters, kept, "start changes when the last one is written into", _start_at(rig))
    x = kept.clone()
    rig.evaluate("value", x)
    _require_equal(rig.start().parameters, kept, "start differs after an evaluation", _start_at(rig))


def check_seed(subject: Subject) -> None:
    """Build again with the same seed, and with another where the record says that it does not matter."""
    first, again = Rig.build(subject), Rig.build(subject)
    _require_same_problem(first, again, "two problems of one seed differ in")
    if not subject.record.depends_on_seed(subject.options):
        other = Rig.build(subject, place(seed=1))
        _require_same_problem(first, other, "the record says that the seed changes nothing (random); it changes")


def _require_same_problem(first: Rig, second: Rig, message: str) -> None:
    x = first.start().parameters
    _require_equal(second.start().parameters, x, f"{message} the start", _start_at(first))
    for kind in ("value", "gradient") if "gradient" in first.derivatives.offers() else ("value",):
        got, expected = second.function(kind)(x), first.function(kind)(x)
        _require_equal(got, expected, f"{message} the {kind}", first.at(kind))


def check_evaluations(subject: Subject) -> None:
    """Evaluate everything twice, with another point in between."""
    rig = Rig.build(subject)
    x, elsewhere = list(rig.points())[:2]
    point, statistics = x.clone(), _statistics(rig)
    for kind, _ in _shapes(rig):
        before = _asked(rig, kind, x)
        kept = [result.clone() for result in before]
        _require_equal(
            _statistics(rig), statistics, f"{kind} changes the statistics, which commit alone may", rig.at(kind)
        )
        _require_equal(x, point, f"{kind} writes into the point", rig.at(kind))
        _asked(rig, kind, elsewhere)
        for result, old in zip(before, kept, strict=True):
            _require_equal(result, old, f"{kind} writes into what it returned before", rig.at(kind))
        for result, old in zip(_asked(rig, kind, x), kept, strict=True):
            _require_equal(result, old, f"{kind} differs at the second evaluation of one point", rig.at(kind))


def _statistics(rig: Rig) -> Tensor:
    statistics = rig.problem.statistics() if hasattr(rig.problem, "statistics") else None
    return torch.empty(0) if statistics is None else statistics.clone()


def check_declared(subject: Subject) -> None:
    """Ask for everything that the record declares."""
    rig = Rig.build(subject)
    missing = sorted(subject.record.evaluations - rig.derivatives.offers())
    require(not missing, f"it declares {', '.join(missing)}, and offers {', '.join(sorted(rig.derivatives.offers()))}")
    x = rig.start().parameters
    for kind, _ in _shapes(rig):
        for result in _asked(rig, kind, x):
            require(bool(torch.isfinite(result).all()), f"{kind} is not finite at the start{rig.at(kind)}")


def check_global_randomness(subject: Subject) -> None:
    """Build and evaluate, with an eye on the global generators."""

    def use() -> None:
        rig = Rig.build(subject)
        x = rig.start().parameters
        for kind, _ in _shapes(rig):
            _asked(rig, kind, x)

    require_untouched(subject, use)


def check_f_star(subject: Subject) -> None:
    """Descend from the start, and look for a value below f*."""
    rig = Rig.build(subject)
    f_star, source = rig.problem.f_star, rig.problem.f_star_source
    require(source in _SOURCES, f"f_star_source is {source!r}; expected one of {', '.join(map(repr, _SOURCES))}")
    require(
        (f_star is None) == (source == ""), f"f_star is {f_star}, f_star_source {source!r}; expected both or neither"
    )
    if f_star is None or source == "best known":
        raise DoesNotApply("its f* is no bound" if source else "it states no f*")
    values = [float(rig.evaluate("value", x)) for x in rig.points()]
    lowest = min([*values, *(value for value, _ in rig.descent(_EVALUATIONS))])
    allowed = f_star - _ROUNDING * max(abs(f_star), _CANCELLED * abs(values[0]))
    require(
        lowest >= allowed, f"f* is said to be {f_star:.12g} ({source}); a descent from the start found {lowest:.12g}"
    )


def _require_equal(got: Tensor, expected: Tensor, message: str, at: str) -> None:
    """Require the same bits; NaN equals NaN."""
    if got.shape != expected.shape:
        require(holds=False, message=f"{message}: shape {tuple(got.shape)} instead of {tuple(expected.shape)}{at}")
    same = (got == expected) | (got.isnan() & expected.isnan())
    if not bool(same.all()):
        index = int((~same).reshape(-1).to(torch.uint8).argmax())
        numbers = f"{got.reshape(-1)[index]:.17g} instead of {expected.reshape(-1)[index]:.17g}"
        require(holds=False, message=f"{message}: entry {index} is {numbers}{at}")


def _start_at(rig: Rig) -> str:
    return defined_at(rig.problem.start)
