"""The hooks. A plugin is a module (or object) with functions of these names, each marked with `@hookimpl`.

It is found through an entry point of the group `optbench`, or given as a file with `--plugin FILE`:

    from optbench.api import OptimizerPlugin, hookimpl

    @hookimpl
    def optbench_optimizers():
        yield OptimizerPlugin(name="mine", factory="my_package.mine:Mine", summary="What it does.")

Hooks yield records; they are called in the parent process, at most once a command, and must not import torch.
`optbench_make_meter` is the exception: it makes an object, in the process of a trial.
A module may set `OPTBENCH_API = (1, 0)`, the version that it was written for: major must match, minor not be newer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from optbench.api.meters import Meter
    from optbench.api.plugins import (
        DataSetPlugin,
        InitializerPlugin,
        MetaAlgorithmPlugin,
        MetricPlugin,
        OptimizerPlugin,
        ProblemPlugin,
        ReporterPlugin,
        SuitePlugin,
    )
    from optbench.records import TrialRecord

PROJECT = "optbench"  # the entry-point group, too
API_VERSION = (1, 0)

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """Every hook that a plugin may implement."""

    @hookspec
    def optbench_optimizers(self) -> Iterable[OptimizerPlugin]:
        """Yield a record for each optimizer; called when optimizers are listed or named."""
        raise NotImplementedError

    @hookspec
    def optbench_problems(self) -> Iterable[ProblemPlugin]:
        """Yield a record for each problem; called when problems are listed or named."""
        raise NotImplementedError

    @hookspec
    def optbench_meta_algorithms(self) -> Iterable[MetaAlgorithmPlugin]:
        """Yield a record for each meta-algorithm; called when they are listed or an expression has a `+`."""
        raise NotImplementedError

    @hookspec
    def optbench_initializers(self) -> Iterable[InitializerPlugin]:
        """Yield a record for each initializer; called when they are listed or an option names one."""
        raise NotImplementedError

    @hookspec
    def optbench_metrics(self) -> Iterable[MetricPlugin]:
        """Yield a record for each metric; called when a suite names metrics."""
        raise NotImplementedError

    @hookspec
    def optbench_datasets(self) -> Iterable[DataSetPlugin]:
        """Yield a record for each data set; called when data sets are listed, or one is named, in a trial, too."""
        raise NotImplementedError

    @hookspec
    def optbench_suites(self) -> Iterable[SuitePlugin]:
        """Yield a record for each suite file; called when suites are listed or named."""
        raise NotImplementedError

    @hookspec
    def optbench_reporters(self) -> Iterable[ReporterPlugin]:
        """Yield a record for each reporter; called when a report is written."""
        raise NotImplementedError

    @hookspec
    def optbench_trial_finished(self, record: TrialRecord) -> None:
        """Be told, in the parent process, of each trial as it finishes; what this raises is reported."""
        raise NotImplementedError

    @hookspec(firstresult=True)
    def optbench_make_meter(self, device: str) -> Meter | None:
        """Return what reads the clock and the peak memory of `device` ("cuda:0"), None where another should.

        Called in the process of a trial, where the module-level function is found by its name: it may import torch.
        """
        raise NotImplementedError
