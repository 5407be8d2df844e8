"""Whatever holds a tensor or an array is followed and named, nothing twice, and nothing that is not held."""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from optbench.measure.holding import reachable


def ten() -> torch.Tensor:
    return torch.zeros(10, dtype=torch.float64)


class Pair(NamedTuple):
    first: Any
    second: Any


class Base:
    __slots__ = ("__hidden", "kept")

    def __init__(self) -> None:
        self.__hidden = ten()


class Slotted(Base):
    __slots__ = ("own",)

    def method(self) -> None: ...


class Attribute:
    def __init__(self) -> None:
        self.kept = ten()

    def method(self) -> None: ...


def closure() -> Callable[[], torch.Tensor]:
    kept = ten()
    return lambda: kept


def with_default() -> Callable[..., Any]:
    def function(kept: Any = ten()) -> Any:  # noqa: B008 -- what is kept there
        return kept

    return function


def with_attribute() -> Callable[[], None]:
    def function() -> None: ...

    function.kept = ten()  # type: ignore[attr-defined]
    return function


def running() -> Iterator[int]:
    def generate() -> Iterator[int]:
        kept = ten()
        yield kept.numel()

    generator = generate()
    next(generator)
    return generator


def cached() -> Callable[[], torch.Tensor]:
    function = functools.cache(ten)
    function()
    return function


@pytest.mark.parametrize(
    ("holder", "path", "owner"),
    [
        ({"a": ten()}, "x['a']", "x"),
        ({ten(): 1}, "x.keys()", "x"),
        (OrderedDict({3: [ten()]}), "x[3][0]", "x[3]"),
        ((1, ten()), "x[1]", "x"),
        (Pair(1, ten()), "x.second", "x.second"),
        ({ten()}, "x[0]", "x"),
        (deque([ten()]), "x[0]", "x"),
        (Attribute(), "x.kept", "x.kept"),
        (Attribute().method, "x.kept", "x.kept"),
        (Slotted().method, "x.__hidden", "x.__hidden"),
        (closure(), "x.kept", "x.kept"),
        (with_default(), "x.__defaults__[0]", "x.__defaults__"),
        (with_attribute(), "x.kept", "x.kept"),
        (running(), "x.kept", "x.kept"),
        (functools.partial(print, ten()), "x[0]", "x"),
        (functools.partial(print, end=ten()), "x['end']", "x"),
        (cached(), "x[tuple]", "x"),
        (iter([ten()]), "x[0]", "x"),
        (map(print, [ten()]), "x[0][0]", "x[0]"),
        (torch.nn.Linear(2, 3, bias=False), "x._parameters['weight']", "x._parameters"),
        (SimpleNamespace(array=np.zeros(3)), "x.array", "x.array"),
    ],
)
def test_what_holds_something_is_named(holder: Any, path: str, owner: str) -> None:
    (held,) = reachable({"x": holder})
    assert (held.path, held.owner) == (path, owner)


@pytest.mark.parametrize("link", [lambda node: [node, ten()], lambda node: functools.partial(print, node, ten())])
def test_a_chain_is_one_holder_with_a_path_that_is_cut(link: Callable[[Any], Any]) -> None:
    node = None
    for _ in range(2000):
        node = link(node)
    owners = [held.owner for held in reachable({"x": node})]
    assert owners[:3] == ["x", "x[0]", "x[0][0]"]
    assert set(owners[6:]) == {"x[0][0][0][0][0]…"}
    assert len(owners) == 2000


def test_a_cycle_ends_and_a_weak_reference_holds_nothing() -> None:
    node = Attribute()
    node.itself, other = node, Attribute()  # type: ignore[attr-defined]
    node.weak = weakref.ref(other)  # type: ignore[attr-defined]
    assert [held.path for held in reachable({"x": node})] == ["x.kept"]


def test_the_shortest_way_names_it_and_the_first_root_wins() -> None:
    shared = ten()
    found = reachable({"optimizer": SimpleNamespace(deep=[[shared]]), "state": SimpleNamespace(kept=shared)})
    assert [held.path for held in found] == ["state.kept"]


def test_nothing_below_what_is_left_out_is_told() -> None:
    problem = Attribute()
    assert not list(reachable({"x": SimpleNamespace(problem=problem)}, besides=(problem,)))


def test_modules_and_classes_are_followed_as_roots_only() -> None:
    module: Any = ModuleType("made_up")
    module.kept, module.torch = [ten()], torch
    module.Mine = type("Mine", (), {"seen": ten(), "__module__": "made_up"})
    assert [held.path for held in reachable({"m": module})] == ["m.Mine.seen", "m.kept[0]"]
    assert not list(reachable({"x": [module, module.Mine]}))


def test_views_share_the_memory_of_their_base() -> None:
    array, tensor = np.zeros(10), ten()
    views = [array, array[2:][1:], tensor, tensor[:3]]
    found = [memory for held in reachable({"x": views}) for memory in held.memories()]
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert [size for _, size in found] == [80] * 4
