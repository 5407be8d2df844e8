"""Builds a trial's parts from the factories that a job names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from optbench.api import Option, Point, Problem, Recipe, Stage, TorchOptimizer, UserError, Variants
from optbench.api.datasets import announce_datasets
from optbench.api.options import convert
from optbench.api.streams import SeededStreams
from optbench.api.torch_steps import has_interface, is_maker
from optbench.measure.function_problem import as_problem
from optbench.measure.place import Place
from optbench.numerics.parts import build_part
from optbench.numerics.schedules import SCHEDULES
from optbench.records import Job
from optbench.records.job import Factories
from optbench.records.nearest import suggestion


def load_plugin_files(files: Mapping[str, str]) -> None:
    """Import one-file plugins under the names that the parent gave them."""
    for name, path in files.items():
        if name in sys.modules:
            continue
        spec = importlib.util.spec_from_file_location(name, Path(path))
        if spec is None or spec.loader is None:
            message = f"can't import {path}"
            raise ImportError(message)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


def resolve(factory: str) -> Any:
    """Return the object behind "package.module:Name"; raises UserError where the module has no such name."""
    module, _, name = factory.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        if not hasattr(found, part):
            raise UserError(f"{module!r} has no {name!r}", suggestion(part, dir(found)))
        found = getattr(found, part)
    return found


def build_optimizer(factory: str, options: Mapping[str, Any]) -> Any:
    """Return the optimizer; raises UserError for what is none.

    Classes like those of torch.optim, and functions that make an optimizer of parameters, come in their adapter.
    """
    made = resolve(factory)
    if not callable(made):
        raise UserError(f"{factory} is of type {type(made).__name__}", "expected a class, or a function that makes one")
    if has_interface(made) or is_maker(made, options):
        return _adapted(made, dict(options))
    built = made(**options)
    if not hasattr(built, "minimize") and (missing := [name for name in ("init", "step") if not hasattr(built, name)]):
        given = f"{factory} made a {type(built).__name__}, which has no {' and no '.join(missing)}"
        raise UserError(given, "expected a torch.optim.Optimizer, or a class with init and step, or minimize")
    return built


def _adapted(make: Callable[..., torch.optim.Optimizer], options: dict[str, Any]) -> TorchOptimizer:
    """Return the adapter; `schedule` is the adapter's, unless what makes the optimizer has an option of that name."""
    if "schedule" not in options or "schedule" in inspect.signature(make).parameters:
        return TorchOptimizer(make, options)
    schedule = build_part(options.pop("schedule"), SCHEDULES, "schedule")
    return TorchOptimizer(make, options, schedule)


def with_built(options: Mapping[str, Any], factories: Factories) -> dict[str, Any]:
    """Return a problem's options with what `factories` make in place of the texts that name it."""
    return {**options, **{option: resolve(factory)(**given) for option, (factory, given) in factories.items()}}


def build_problem(factory: str, options: Mapping[str, Any], place: Place) -> Problem:
    """Return the problem at a place; raises UserError where what the factory returned is none."""
    made = resolve(factory)(device=place.device, dtype=place.dtype, streams=place.streams, **options)
    problem = as_problem(made, place.device, place.dtype)
    kind, remedy = type(problem).__name__, "docs/plugins.md lists what a problem has"
    if missing := [name for name in ("size", "start", "value") if not hasattr(problem, name)]:
        given = f"{factory} returned a {kind}, which has no {' and no '.join(missing)}"
        raise UserError(given, "expected an optbench.api.Problem or FunctionProblem", remedy)
    start: Any = problem.start(place.streams)
    if not isinstance(start, Point):
        given = f"start() of {factory} returned a {type(start).__name__}"
        raise UserError(given, "expected optbench.api.Point(parameters=tensor)", remedy)
    return problem


@dataclass(frozen=True)
class Built:
    """A trial's parts."""

    place: Place
    problem: Problem  # before any meta-algorithm
    optimizer: Any
    recipe: Recipe


def build(job: Job) -> Built:
    """Build problem, optimizer and recipe; meta-algorithms are applied left to right."""
    load_plugin_files(job.plugin_files)
    if job.dataset_modules is not None:
        announce_datasets(job.dataset_modules)
    spec = job.spec
    place = Place(torch.device(spec.device), getattr(torch, spec.dtype), SeededStreams(spec.seed))
    options = with_built(spec.problem.options, job.named_factories)
    problem = build_problem(job.problem_factory, options, place)
    optimizer = build_optimizer(job.optimizer_factory, spec.optimizer.options)
    variants = Variants(problem=problem, build=partial(_variant, job, place))
    recipe = Recipe(stages=(Stage(problem=problem, optimizer=optimizer),), variants=variants)
    for factory, component in zip(job.meta_factories, spec.meta_algorithms, strict=True):
        recipe = resolve(factory)(**component.options)(recipe, place.streams)
    return Built(place, problem, optimizer, recipe)


def _variant(job: Job, place: Place, option: str, value: Any) -> Problem:
    """Return the trial's problem with another value of an option; raises UserError for what is none."""
    given, owner = job.spec.problem.options, f"problem {job.spec.problem.short}"
    if option not in given:
        raise UserError(f"{owner} has no option {option!r}", f"it has {', '.join(given) or 'none'}")
    if option in job.named_factories:
        raise UserError(f"option {option!r} of {owner} names a plugin", "options that are values")
    low, high = job.bounds.get(option, (None, None))
    try:
        checked = convert(value, Option(default=given[option], doc=f"option of {owner}", low=low, high=high))
    except UserError as error:
        raise UserError(f"{owner}: option {option}: {error.given}", error.allowed, error.remedy) from None
    return build_problem(job.problem_factory, with_built({**given, option: checked}, job.named_factories), place)
