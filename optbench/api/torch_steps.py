"""How the `step` of a class with the torch.optim interface is called: with gradients, with a closure, without hooks."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer, SparseAdam
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from optbench.api.errors import UserError

ONE_CALL = "a step is one call of step(), with a closure if it needs one"
_REMEDY = "give it a step(closure) that does all of it, first_step and second_step included"


@dataclass(frozen=True)
class Way:
    """What a call of `step` is given."""

    gradients: bool  # the parameters have theirs beforehand
    closure: bool  # evaluates again, wherever the parameters are by then


def has_interface(made: Any) -> bool:
    """Tell whether `made` is a class with the torch.optim interface.

    It derives from torch's, or is made as those are, of parameters and then options, and has a `step` and none of the
    methods of other optimizers.
    """
    if not isinstance(made, type) or issubclass(made, Optimizer):
        return isinstance(made, type)
    if not callable(getattr(made, "step", None)) or hasattr(made, "init") or hasattr(made, "minimize"):
        return False
    first = next(iter(inspect.signature(made).parameters.values()), None)
    return first is not None and first.kind in _BY_POSITION and first.default is inspect.Parameter.empty


def is_maker(made: Any, options: Iterable[str]) -> bool:
    """Tell whether `made` is a function that wants the parameters: its first argument is none of `options`."""
    if isinstance(made, type) or not callable(made):
        return False
    first = next(iter(inspect.signature(made).parameters.values()), None)
    needed = first is not None and first.kind in _BY_POSITION and first.default is inspect.Parameter.empty
    return needed and first is not None and first.name not in set(options)


def checked(optimizer: Any, name: str) -> Any:
    """Return what was made of the parameters; raises UserError where it is no optimizer, or wants sparse gradients."""
    if not isinstance(optimizer, Optimizer) and not callable(getattr(optimizer, "step", None)):
        raise UserError(f"{name} made a {type(optimizer).__name__}", "expected a torch.optim.Optimizer")
    if isinstance(optimizer, SparseAdam):
        raise UserError(f"{name} takes sparse gradients only", "all gradients here are dense", "take adam")
    return optimizer


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def ways(cls: type[Optimizer]) -> tuple[Way, ...]:
    """Return the ways in which a class may want to be called, the likeliest first; raises UserError where it has none.

    By the usual pattern a class that moves its point before it asks again (sharpness-aware ones) has a closure with a
    default, but fails without; whether it does shows when it is called.
    """
    own = itertools.takewhile(lambda base: base is not Optimizer, cls.__mro__)
    if not any("step" in vars(base) for base in own):
        raise UserError(f"{cls.__name__} has no step()", ONE_CALL, _REMEDY)
    taken = list(inspect.signature(cls.step).parameters.values())[1:]
    if not taken:
        return (Way(gradients=True, closure=False),)
    needed = taken[0].default is inspect.Parameter.empty and taken[0].kind is not inspect.Parameter.VAR_POSITIONAL
    return Way(gradients=not needed, closure=needed), Way(gradients=True, closure=True)


def told(cls: type[Optimizer], error: NotImplementedError) -> UserError:
    """Return the user's mistake where a class's `step` says that it is not what is to be called."""
    said = " ".join(str(error).split())
    return UserError(f"{cls.__name__}.step is not implemented{f' ({said})' if said else ''}", ONE_CALL, _REMEDY)


_WRAPPED = Optimizer.profile_hook_step(lambda _: None).__code__  # of what torch puts around each class's `step`


def bare_step(optimizer: Any) -> Callable[..., Any]:
    """Return the optimizer's `step` without what torch puts around it for hooks and its profiler.

    That costs a small net's step 4 %, and nothing is measured by it. Where a hook is registered the whole is returned.
    """
    if not isinstance(optimizer, Optimizer):
        return optimizer.step
    hooks: tuple[Any, ...] = (
        _global_optimizer_pre_hooks,
        _global_optimizer_post_hooks,
        optimizer._optimizer_step_pre_hooks,  # noqa: SLF001 -- torch has no public name for a list of hooks
        optimizer._optimizer_step_post_hooks,  # noqa: SLF001
    )
    whole: Any = optimizer.step
    function = getattr(whole, "__func__", None)
    if any(hooks) or function is None or function.__code__ is not _WRAPPED:
        return whole
    return function.__wrapped__.__get__(optimizer)
