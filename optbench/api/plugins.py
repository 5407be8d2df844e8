"""The records that hooks yield. Building them imports no torch: factories are resolved in the trial's process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

Evaluation = Literal[
    "value", "gradient", "hessian_vector", "hessian", "residuals", "jacobian", "line_minimum", "gauss_newton_vector"
]
Feature = Literal["blocks", "model", "data", "minibatches", "difficulty", "step-hook", "movable-point"]
Work = Literal["evaluation", "factorisation"]  # asked of the oracle; of a matrix, by torch.linalg
Kind = Literal["quadratic", "convex", "least-squares", "nonconvex", "multimodal", "learning"]


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a plugin; the type of `default` is the option's type: bool, int, float, str, list."""

    default: Any
    doc: str
    low: float | None = None  # of each item of a list; of one that is empty by default, the items' type, too
    high: float | None = None
    bounds: Literal["[]", "(]", "[)", "()"] = "[]"  # which of them are allowed themselves, as intervals are written
    choices: tuple[Any, ...] = ()
    search: Literal["linear", "log"] | None = None  # how tuning samples it; None: not tuned by default
    span: tuple[float, float] | None = None  # where tuning begins to look; None: follows from bounds and default
    components: str = ""  # "package.module:TABLE" of Parts: the option is an expression that names one of them
    plugins: str = ""  # "initializers", "data-sets": the option of a problem is an expression that names one

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Return the lowest and the highest value that are allowed: where a bound itself is not, the next float."""
        low, high = self.low, self.high
        return (
            math.nextafter(low, math.inf) if low is not None and self.bounds[0] == "(" else low,
            math.nextafter(high, -math.inf) if high is not None and self.bounds[1] == ")" else high,
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """A selectable part of a plugin, such as a line search: `factory(**options)` builds it.

    A table `{name: Part}` is named by `Option.components`; its module imports no torch, since options are checked
    in the parent process.
    """

    factory: Any  # a callable taking the options by keyword
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """What every plugin states. The engine checks options, fills in defaults and calls the factory by keyword."""

    name: str  # lower-case, hyphens
    factory: str  # "package.module:Name"
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    cite: str = ""
    expected_failures: Mapping[str, str] = field(default_factory=dict)  # conformance check -> reason; strict
    requires: Mapping[str, str] = field(default_factory=dict)  # module that must be there -> what pip installs for it


def missing_library(record: Plugin) -> str:
    """Return which library that the plugin requires is not installed, and what to do; empty where none is missing."""
    for module, package in record.requires.items():
        if find_spec(module) is None:
            return f"{record.name} needs {module}, which is not installed: pip install '{package}'"
    return ""


@dataclass(frozen=True, kw_only=True)
class OptimizerPlugin(Plugin):
    """An optimizer: `factory(**options) -> Optimizer | Minimizer`, or a class with the torch.optim interface."""

    evaluations: frozenset[Evaluation] = frozenset({"value", "gradient"})  # what it may ask of the oracle
    optional: frozenset[Evaluation] = frozenset({"line_minimum"})  # of these, what a problem need not offer
    needs: frozenset[Feature] = frozenset()
    gives: frozenset[Feature] = frozenset({"step-hook"})
    deterministic: bool = True
    random_options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # option -> values that draw numbers
    state_memory: str = "O(n)"  # checked: "O(1)", "O(n)", "O(m n)", "O(n^2)"
    peak_memory: str = "O(n)"
    peak_memory_with: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)  # option -> value -> order with it
    step_time: str = "O(n)"
    host_syncs: int | None = None  # a step, beyond those inside evaluations; None: unbounded
    host_syncs_per: Mapping[Work, int] = field(default_factory=dict)  # further ones, for what is done in the step
    host_syncs_with: Mapping[str, Mapping[Any, int]] = field(default_factory=dict)  # option -> value -> `host_syncs`

    def peak_memory_of(self, options: Mapping[str, Any]) -> str:
        """Return the order of the peak with these options."""
        orders = (orders.get(options.get(name)) for name, orders in self.peak_memory_with.items())
        return next((order for order in orders if order), self.peak_memory)

    def host_syncs_of(self, options: Mapping[str, Any]) -> int | None:
        """Return the synchronisations of a step with these options, beyond those of `host_syncs_per`."""
        counts = (counts.get(options.get(name)) for name, counts in self.host_syncs_with.items())
        return next((count for count in counts if count is not None), self.host_syncs)

    def depends_on_seed(self, options: Mapping[str, Any]) -> bool:
        """Tell whether trials with other seeds differ: it draws random numbers always, or with these options."""
        return not self.deterministic or any(options.get(name) in drawn for name, drawn in self.random_options.items())


@dataclass(frozen=True, kw_only=True)
class ProblemPlugin(Plugin):
    """A problem: `factory(*, device, dtype, streams, **options) -> Problem`."""

    evaluations: frozenset[Evaluation] = frozenset({"value", "gradient", "hessian_vector", "hessian"})
    gives: frozenset[Feature] = frozenset()
    kind: Kind = "nonconvex"
    random: bool | None = None  # whether the seed changes it; None: see `depends_on_seed`
    small: Mapping[str, Any] = field(default_factory=dict)  # options of a small copy, on which checks look at it

    def depends_on_seed(self, options: Mapping[str, Any]) -> bool:
        """Tell whether trials with other seeds differ, so that seeds are worth running.

        Unless `random` says so: a learning problem draws its weights, and a problem with minibatches draws them
        unless its option `batch_size` is 0 (full batch).
        """
        if self.random is not None:
            return self.random
        batches = "minibatches" in self.gives and bool(options.get("batch_size", 1))
        return self.kind == "learning" or batches


@dataclass(frozen=True, kw_only=True)
class MetaAlgorithmPlugin(Plugin):
    """A meta-algorithm: `factory(**options) -> MetaAlgorithm`."""

    needs: frozenset[Feature] = frozenset()
    needs_with: Mapping[str, Mapping[Any, frozenset[Feature]]] = field(default_factory=dict)  # option -> value -> more
    extra_memory: str = "O(n)"  # checked: how the peak of live bytes grows with it
    deterministic: bool = True  # weights and minibatches, which depend on the seed anyway, left aside
    random_options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # option -> values that draw numbers

    def with_needs_of(self, options: Mapping[str, Any]) -> Self:
        """Return the record with all that it needs with these options as `needs`."""
        further = (needs.get(options.get(name), frozenset()) for name, needs in self.needs_with.items())
        return replace(self, needs=self.needs.union(*further))

    def depends_on_seed(self, options: Mapping[str, Any]) -> bool:
        """Tell whether trials with other seeds differ: it draws random numbers always, or with these options."""
        return not self.deterministic or any(options.get(name) in drawn for name, drawn in self.random_options.items())


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file that a data set is made from, as a folder or a site has it, with or without the ending .gz."""

    name: str  # with .gz, where it comes so
    sha256: str  # of what it holds when decompressed: packers differ


@dataclass(frozen=True, kw_only=True)
class DataSetPlugin(Plugin):
    """A data set: `factory(**options) -> {name: numpy array}`, called once; what it returns is cached.

    The arrays are `x_train`, `y_train` and the same of `validation` and `test`, which share no example, and where
    `difficulty` is stated `difficulty_train` and so on. The factory of a set with `files` or `inputs` is also given
    `files`, what they hold by name; that of a generated one `streams`, keyed by its option `seed`, in place of it.
    """

    licence: str
    source: str  # where the data come from
    examples: Mapping[str, int] = field(default_factory=dict)  # by split, with default options; empty: it depends
    shape: tuple[int, ...] = ()  # of one example's input; empty: it depends
    classes: int = 0  # 0: targets are no classes, or it depends
    difficulty: str = ""  # what the numbers of an example's difficulty are
    generated: bool = False
    files: tuple[DataFile, ...] = ()
    folders: tuple[str, ...] = ()  # where a package of the system puts the files
    url: str = ""  # of the folder of files on the net; only `optbench data fetch` goes there
    obtain: str = ""  # what brings the files: "apt install …"
    inputs: tuple[str, ...] = ()  # options that are paths of the user's own files
    edition: str = "1"  # another one where the factory makes other arrays than before
    small: Mapping[str, Any] = field(default_factory=dict)  # options of a small copy, on which checks look at it


@dataclass(frozen=True, kw_only=True)
class InitializerPlugin(Plugin):
    """An initializer of weights or biases: `factory(**options) -> Initializer`, see `optbench.api.initializing`."""


@dataclass(frozen=True, kw_only=True)
class MetricPlugin(Plugin):
    """A metric: `factory(**options) -> (Problem, Point) -> float`; raises Refused where it does not apply."""

    higher_is_better: bool = False
    by_part: bool = False  # returns {part: float}: columns "name.part"; measured only where a suite names it


@dataclass(frozen=True, kw_only=True)
class ReporterPlugin(Plugin):
    """A reporter: `factory(**options) -> (ReportModel, Path) -> tuple[Path, ...]`, the files that it wrote.

    Its object may have `index(Site, Path) -> tuple[Path, ...]`, too, which writes the pages of a published folder.
    """

    by_default: bool = True  # whether it writes where no reporter is named


@dataclass(frozen=True, kw_only=True)
class SuitePlugin:
    """A suite file."""

    name: str
    path: Path | str
    summary: str
