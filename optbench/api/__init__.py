"""Everything that a plugin may import, beside `optbench.numerics`, `.analysis`, `.records`; imports no torch itself."""

from typing import TYPE_CHECKING, Any

from optbench.api.data import DataSet, dataset, reference_value
from optbench.api.datasets import load_dataset
from optbench.api.errors import Refused, StopTrial, UndeclaredEvaluation, UserError
from optbench.api.hooks import API_VERSION, PROJECT, Hooks, hookimpl, hookspec
from optbench.api.meters import MarkingMeter, Meter
from optbench.api.optimizers import Minimizer, Optimizer, Oracle, State
from optbench.api.plugins import (
    DataFile,
    DataSetPlugin,
    Evaluation,
    Feature,
    InitializerPlugin,
    Kind,
    MetaAlgorithmPlugin,
    MetricPlugin,
    OptimizerPlugin,
    Option,
    Part,
    Plugin,
    ProblemPlugin,
    ReporterPlugin,
    SuitePlugin,
    Work,
)
from optbench.api.problems import Block, FunctionProblem, Layout, LearningProblem, Panel, Point, Problem, Streams
from optbench.api.progress import announce
from optbench.api.recipes import Judged, MetaAlgorithm, Planner, Readout, Recipe, Stage, Variants

if TYPE_CHECKING:
    from optbench.api.learning import SupervisedProblem
    from optbench.api.torch_optim import TorchOptimizer

__all__ = [
    "API_VERSION",
    "PROJECT",
    "Block",
    "DataFile",
    "DataSet",
    "DataSetPlugin",
    "Evaluation",
    "Feature",
    "FunctionProblem",
    "Hooks",
    "InitializerPlugin",
    "Judged",
    "Kind",
    "Layout",
    "LearningProblem",
    "MarkingMeter",
    "MetaAlgorithm",
    "MetaAlgorithmPlugin",
    "Meter",
    "MetricPlugin",
    "Minimizer",
    "Optimizer",
    "OptimizerPlugin",
    "Option",
    "Oracle",
    "Panel",
    "Part",
    "Planner",
    "Plugin",
    "Point",
    "Problem",
    "ProblemPlugin",
    "Readout",
    "Recipe",
    "Refused",
    "ReporterPlugin",
    "Stage",
    "State",
    "StopTrial",
    "Streams",
    "SuitePlugin",
    "SupervisedProblem",
    "TorchOptimizer",
    "UndeclaredEvaluation",
    "UserError",
    "Variants",
    "Work",
    "announce",
    "dataset",
    "hookimpl",
    "hookspec",
    "load_dataset",
    "reference_value",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for."""
    if name == "SupervisedProblem":
        from optbench.api.learning import SupervisedProblem

        return SupervisedProblem
    if name == "TorchOptimizer":
        from optbench.api.torch_optim import TorchOptimizer

        return TorchOptimizer
    message = f"module 'optbench.api' has no attribute {name!r}"
    raise AttributeError(message)
