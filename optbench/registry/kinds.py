"""The kinds of records that plugins yield, one hook each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from optbench.api import (
    DataSetPlugin,
    InitializerPlugin,
    MetaAlgorithmPlugin,
    MetricPlugin,
    OptimizerPlugin,
    Plugin,
    ProblemPlugin,
    ReporterPlugin,
    SuitePlugin,
)


@dataclass(frozen=True)
class RecordKind:
    """One kind of record: how users call it, which hook yields it, and of which type it is."""

    name: str  # plural, as in `optbench list optimizers`
    singular: str
    hook: str
    record_type: type[Plugin | SuitePlugin]


_ALL = (
    RecordKind("optimizers", "optimizer", "optbench_optimizers", OptimizerPlugin),
    RecordKind("problems", "problem", "optbench_problems", ProblemPlugin),
    RecordKind("meta-algorithms", "meta-algorithm", "optbench_meta_algorithms", MetaAlgorithmPlugin),
    RecordKind("initializers", "initializer", "optbench_initializers", InitializerPlugin),
    RecordKind("metrics", "metric", "optbench_metrics", MetricPlugin),
    RecordKind("data-sets", "data set", "optbench_datasets", DataSetPlugin),
    RecordKind("suites", "suite", "optbench_suites", SuitePlugin),
    RecordKind("reporters", "reporter", "optbench_reporters", ReporterPlugin),
)
KINDS: Mapping[str, RecordKind] = MappingProxyType({kind.name: kind for kind in _ALL})
NAMED = ("initializers", "data-sets")  # kinds that an option of a problem may name
