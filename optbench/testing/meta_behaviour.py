"""Checks of how a meta-algorithm behaves: from recipe to recipe, repeatably, at a cost that is counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from optbench.api import Point, Recipe, Refused, Stage
from optbench.api.problems import layout_views
from optbench.measure.place import Place
from optbench.testing.audit import Audit
from optbench.testing.audit_runs import refusal, require_audits
from optbench.testing.audit_shadows import DEVICE
from optbench.testing.blame import defined_at, described, where
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require
from optbench.testing.meta_rig import Bench, benches, run, with_stage_before
from optbench.testing.needs import needs_of
from optbench.testing.process_state import require_untouched
from optbench.testing.trials import Trial, place

_FEW = 8  # evaluations of a run whose operations are audited one by one
_AUDITED = 2  # recipes


@dataclass(frozen=True)
class Changed:
    """A recipe before and after."""

    bench: Bench
    recipe: Recipe


def changed(subject: Subject, where: Place | None = None) -> Iterator[Changed]:
    """Yield what the meta-algorithm makes of each recipe that has what it needs, refusals left out."""
    where = where or place()
    for bench in benches(where):
        if needs_of(subject) <= bench.gives:
            recipe = apply(subject, bench.recipe, where, bench.name)
            if recipe is not None:
                yield Changed(bench, recipe)


def apply(subject: Subject, recipe: Recipe, where: Place, name: str) -> Recipe | None:
    """Return the changed recipe, None where it is refused; another exception fails the check."""
    try:
        made: Recipe = subject.meta_algorithm()(recipe, where.streams)
    except Refused as refused:
        require(str(refused).strip(), f"it refuses {name} without a message{defined_at(call_of(subject))}")
        return None
    except Exception as error:
        raise CheckFailed(f"given {name} it raised what is no Refused: {described(error, subject)}") from error
    return made


def check_recipe(subject: Subject) -> None:
    """Look at what comes of each recipe, and run it."""
    made = list(changed(subject))
    require(made, f"it refuses every recipe that has what it needs{defined_at(call_of(subject))}")
    for item in made:
        _require_sound(subject, item.recipe, item.bench.name)
        _run(subject, item.recipe, place(), item.bench.name)


def _require_sound(subject: Subject, recipe: Any, name: str) -> None:
    at = defined_at(call_of(subject))
    require(isinstance(recipe, Recipe), f"of {name} it makes a {type(recipe).__name__}; expected a Recipe{at}")
    stages = recipe.stages
    sound = isinstance(stages, tuple) and stages and all(isinstance(stage, Stage) for stage in stages)
    require(sound, f"of {name} it makes stages {stages!r:.100}; expected a tuple of Stage, one at least{at}")
    for index, stage in enumerate(stages, start=1):
        optimizer, problem = stage.optimizer, stage.problem
        runs = hasattr(optimizer, "minimize") or (hasattr(optimizer, "init") and hasattr(optimizer, "step"))
        require(runs, f"of {name}, stage {index} has a {type(optimizer).__name__} for an optimizer{at}")
        is_problem = hasattr(problem, "size") and hasattr(problem, "start") and hasattr(problem, "value")
        require(is_problem, f"of {name}, stage {index} has a {type(problem).__name__} for a problem{at}")
    require(recipe.readout is None or callable(recipe.readout), f"of {name}, the readout can't be called{at}")
    require(any(stage.on_curve for stage in stages), f"of {name}, no stage is on the curve{at}")


def _require_shares(subject: Subject, recipe: Recipe, name: str) -> None:
    shares = [stage.share for stage in recipe.stages]
    sound = math.isclose(math.fsum(shares), 1.0, rel_tol=1e-9) and min(shares) > 0
    require(sound, f"of {name}, the shares are {shares}; expected positive ones, sum 1{defined_at(call_of(subject))}")


def check_shares(subject: Subject) -> None:
    """Add the shares of each recipe's stages."""
    for item in changed(subject):
        _require_shares(subject, item.recipe, item.bench.name)


def check_input(subject: Subject) -> None:
    """Look at the given recipe afterwards, and run it against one that was never given."""
    at = defined_at(call_of(subject))
    for bench, untouched in zip(benches(place()), benches(place()), strict=True):
        if not needs_of(subject) <= bench.gives:
            continue
        before = _parts(bench.recipe)
        apply(subject, bench.recipe, place(), bench.name)
        same = all(now is then for now, then in zip(_parts(bench.recipe), before, strict=True))
        require(same, f"of {bench.name}, the recipe that was given is changed{at}")
        got, expected = run(bench.recipe, place()).points, run(untouched.recipe, place()).points
        require(_equal(got, expected), f"of {bench.name}, the recipe that was given runs otherwise afterwards{at}")


def _parts(recipe: Recipe) -> list[Any]:
    items: tuple[Recipe | Stage, ...] = (recipe, *recipe.stages)
    return [getattr(item, part.name) for item in items for part in fields(item)]


def check_refusal(subject: Subject) -> None:
    """Give it recipes that lack what it needs."""
    for bench in benches(place()):
        missing = sorted(needs_of(subject) - bench.gives)
        if missing:
            refused = apply(subject, bench.recipe, place(), bench.name) is None
            message = (
                f"it needs {' and '.join(missing)} and takes {bench.name}, which has none; it should raise Refused"
            )
            require(refused, f"{message}{defined_at(call_of(subject))}")


def check_composition(subject: Subject) -> None:
    """Put a stage before it, after it, and itself after itself."""
    for item in changed(subject):
        name = item.bench.name
        twice = apply(subject, item.recipe, place(), f"its own recipe of {name}")
        cut = with_stage_before(item.recipe)
        for recipe, what in ((twice, f"its own recipe of {name}"), (cut, f"{name}, cut in two afterwards,")):
            if recipe is not None:
                _require_sound(subject, recipe, what)
                _require_shares(subject, recipe, what)
                _run(subject, recipe, place(), what)


def check_repeats(subject: Subject) -> None:
    """Make and run everything twice."""
    for first, second in zip(changed(subject), changed(subject), strict=True):
        name = first.bench.name
        one, two = _run(subject, first.recipe, place(), name), _run(subject, second.recipe, place(), name)
        at = defined_at(call_of(subject))
        require(_equal(one.points, two.points), f"of {name}, two runs under one seed take different steps{at}")
        ends = [ran.outcome.point.parameters for ran in (one, two)]
        require(_equal(ends[:1], ends[1:]), f"of {name}, two runs under one seed score different points{at}")


def check_pairing(subject: Subject) -> None:
    """Compare the standard starts of the stages on the curve, tensor by tensor, with that of the problem given."""
    streams = place().streams
    for item in changed(subject):
        given = item.bench.recipe.stages[-1].problem
        before = _tensors(given.start(streams))
        for stage in (stage for stage in item.recipe.stages if stage.on_curve):
            for name, tensor in _tensors(stage.problem.start(streams)).items():
                shared = name in before and before[name].shape == tensor.shape
                message = f"of {item.bench.name}, tensor {name or 'x'} starts otherwise than without it"
                require(not shared or torch.equal(before[name], tensor), f"{message}{defined_at(call_of(subject))}")


def _tensors(start: Point) -> dict[str, Tensor]:
    return dict(zip(start.layout or ("",), layout_views(start.parameters, start.layout), strict=True))


def check_costs(subject: Subject) -> None:
    """Count the evaluations of the objective, and those of the oracle."""
    for item in changed(subject):
        evaluated = _run(subject, item.recipe, place(), item.bench.name).ledger.evaluations
        seen = item.bench.evaluations
        if seen.behind_the_oracle:
            stack = where(seen.behind_the_oracle[0], subject)
            require(holds=False, message=f"of {item.bench.name}, the objective is evaluated behind the oracle{stack}")
        message = f"of {item.bench.name}, the objective is evaluated {seen.count} times, the oracle counts {evaluated}"
        require(seen.count <= evaluated, f"{message}{defined_at(call_of(subject))}")


def check_readout(subject: Subject) -> None:
    """Run each recipe with and without its readout, and write into the points that it has seen."""
    pairs = list(zip(changed(subject), changed(subject), strict=True))
    if not any(item.recipe.readout is not item.bench.recipe.readout for item, _ in pairs):
        raise DoesNotApply("it puts no readout on a recipe")
    for item, bare in pairs:
        make = item.recipe.readout
        if make is None:
            continue
        name, at = item.bench.name, defined_at(make)
        with_it = _run(subject, item.recipe, place(), name).points
        without = _run(subject, replace(bare.recipe, readout=None), place(), name).points
        require(_equal(with_it, without), f"of {name}, the iterates differ with the readout and without{at}")
        _require_own_tensors(make, name, at)


def _require_own_tensors(make: Callable[[], Any], name: str, at: str) -> None:
    readout, iterate = make(), torch.ones(5, dtype=torch.float64)
    readout.observe(Point(parameters=iterate))
    require(torch.equal(iterate, torch.ones_like(iterate)), f"of {name}, the readout writes into the iterate{at}")
    iterate.fill_(math.nan)
    point = readout.point().parameters
    require(not point.isnan().any(), f"of {name}, the readout keeps the iterate's tensor, which goes on changing{at}")
    kept = point.clone()
    point.fill_(math.nan)
    again = readout.point().parameters
    require(torch.equal(again, kept), f"of {name}, the readout gives away its own tensor, not a copy{at}")


def check_global_randomness(subject: Subject) -> None:
    """Apply and run, with an eye on the global generators."""

    def use() -> None:
        for item in changed(subject):
            run(item.recipe, place(), _FEW)

    require_untouched(subject, use)


def check_device(subject: Subject) -> None:
    """Apply and run under an audit; whatever an accelerator refuses raises."""
    require_audits()
    with Audit():
        try:
            for item in islice(changed(subject, place(device=DEVICE)), _AUDITED):
                point = run(item.recipe, place(device=DEVICE), _FEW).outcome.point
                here = point.parameters.device.type == DEVICE.type
                require(here, f"of {item.bench.name}, the scored point lies on the CPU")
        except Exception as error:
            raise refusal(error, subject) from error


def _run(subject: Subject, recipe: Recipe, at: Place, name: str) -> Trial:
    try:
        return run(recipe, at)
    except Exception as error:
        raise CheckFailed(f"its recipe of {name} raised {described(error, subject)}") from error


def call_of(subject: Subject) -> Any:
    """Return what a recipe is given to, to be blamed for what comes of it."""
    made = subject.meta_algorithm()
    return made if hasattr(made, "__code__") else type(made).__call__


def _equal(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(map(torch.equal, first, second))
