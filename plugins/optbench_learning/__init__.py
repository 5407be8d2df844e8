"""Learning problems on real data, convex ones with certified minima and a multilayer perceptron, and their metrics."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import DataSetPlugin, Evaluation, MetricPlugin, Option, ProblemPlugin, hookimpl
from optbench_learning.data_sets import drawings, files_of_users, pictures, sequences, tables
from optbench_learning.network_records import networks

PROBLEMS = "optbench_learning.problems"
REGRESSION = "optbench_learning.regression_problems"
METRICS = "optbench_learning.metrics"
DIGITS = "Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998"
BREAST_CANCER = "Wolberg, Mangasarian, Street: Breast cancer Wisconsin (diagnostic), UCI, 1995"
DIABETES = "Efron, Hastie, Johnstone, Tibshirani: Least angle regression, Annals of Statistics 32 (2004)"
LASSO = "Tibshirani: Regression shrinkage and selection via the lasso, JRSS B 58 (1996)"
SPARSE_CODING = "Goodfellow et al., Deep Learning (2016), section 8.7.2; Mairal et al., ICML (2009)"
_QUADRATIC: frozenset[Evaluation] = frozenset(
    {"value", "gradient", "hessian_vector", "hessian", "residuals", "jacobian", "line_minimum"}
)
_BATCH_SIZE = Option(default=0, doc="examples of a minibatch; 0: all of them, every time", low=0)
_STRONG_L2 = Option(default=1e-3, doc="penalty ½ l2 ‖θ‖² on all parameters, intercepts too", low=1e-8)
_WITH_LOSS: frozenset[Evaluation] = frozenset({"value", "gradient", "hessian_vector", "hessian", "gauss_newton_vector"})


def _l1(default: float) -> Option:
    doc = "weight of Σ|θ|, as a share of the one with which the minimum is at zero"
    return Option(default=default, doc=doc, low=1e-3, high=1.0)


@hookimpl
def optbench_problems() -> Iterator[ProblemPlugin]:
    """Yield the problems; every fourth example is for testing."""
    yield from _classifications()
    yield from _regressions()
    yield _sparse_coding()
    yield from networks()


def _classifications() -> Iterator[ProblemPlugin]:
    """Yield linear classifiers."""
    yield ProblemPlugin(
        name="logistic-breast-cancer",
        factory=f"{PROBLEMS}:logistic_breast_cancer",
        summary="Logistic regression, 427 training examples of 30 standardised features, 31 parameters.",
        options={"l2": _STRONG_L2, "batch_size": _BATCH_SIZE},
        cite=BREAST_CANCER,
        evaluations=_WITH_LOSS,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
    )
    yield ProblemPlugin(
        name="softmax-digits",
        factory=f"{PROBLEMS}:softmax_digits",
        summary="Softmax regression, 1348 training images of 8 × 8 standardised pixels, 650 parameters.",
        options={"l2": _STRONG_L2, "batch_size": _BATCH_SIZE},
        cite=DIGITS,
        evaluations=_WITH_LOSS,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
    )


def _regressions() -> Iterator[ProblemPlugin]:
    """Yield linear regressions."""
    yield ProblemPlugin(
        name="ridge-diabetes",
        factory=f"{REGRESSION}:ridge_diabetes",
        summary="Ridge regression, 332 training examples of 64 standardised features; a quadratic.",
        options={
            "l2": Option(default=1e-3, doc="penalty ½ l2 ‖θ‖²", low=1e-8),
            "batch_size": _BATCH_SIZE,
        },
        cite=DIABETES,
        evaluations=_QUADRATIC,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
    )
    yield ProblemPlugin(
        name="lasso-diabetes",
        factory=f"{REGRESSION}:lasso_diabetes",
        summary="The Lasso, 332 training examples of 64 standardised features.",
        options={"l1": _l1(0.02), "batch_size": _BATCH_SIZE},
        cite=f"{LASSO}; {DIABETES}",
        evaluations=_WITH_LOSS,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
    )
    yield ProblemPlugin(
        name="lasso-recovery",
        factory=f"{REGRESSION}:lasso_recovery",
        summary="The Lasso finds the few coefficients that made the targets, fewer examples than coefficients.",
        options={
            "n": Option(default=256, doc="number of coefficients", low=1),
            "examples": Option(default=128, doc="to train, and as many to test", low=1),
            "nonzeros": Option(default=16, doc="coefficients that are not zero, ±1 each", low=1),
            "noise": Option(default=0.1, doc="how large the noise is, relative to the signal", low=0.0),
            "l1": _l1(0.1),
            "batch_size": _BATCH_SIZE,
        },
        cite=LASSO,
        evaluations=_WITH_LOSS,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
        random=True,
    )


def _sparse_coding() -> ProblemPlugin:
    return ProblemPlugin(
        name="sparse-coding",
        factory=f"{REGRESSION}:sparse_coding",
        summary="A dictionary for patches of 8 × 8 pixels, its atoms at most 1 long, learnt with sparse codes.",
        options={
            "atoms": Option(default=16, doc="rows of the dictionary", low=1),
            "examples": Option(default=200, doc="patches, spread evenly over a photograph", low=1, high=2120),
            "contrast": Option(default=4.0, doc="root mean square of the patches' lengths; a code costs 1", low=1e-3),
        },
        cite=SPARSE_CODING,
        evaluations=frozenset({"value", "gradient", "hessian_vector"}),
        random=True,
    )


@hookimpl
def optbench_datasets() -> Iterator[DataSetPlugin]:
    """Yield the data sets, cut into training, validation and test parts."""
    yield from tables()
    yield from pictures()
    yield from sequences()
    yield from drawings()
    yield from files_of_users()


@hookimpl
def optbench_metrics() -> Iterator[MetricPlugin]:
    """Yield what can be measured on snapshots."""
    yield MetricPlugin(name="f", factory=f"{METRICS}:full_objective", summary="The objective over all examples.")
    yield MetricPlugin(
        name="gradient-norm", factory=f"{METRICS}:gradient_norm", summary="Largest entry of the full gradient."
    )
    yield MetricPlugin(
        name="layer-gradient-norms",
        factory=f"{METRICS}:layer_gradient_norms",
        summary="Euclidean norm of the full gradient by the parameters of each block.",
        by_part=True,
    )
    yield MetricPlugin(
        name="layer-activation-spreads",
        factory=f"{METRICS}:layer_activation_spreads",
        summary="Standard deviation of what each block puts out on the training examples.",
        by_part=True,
    )
    for split, examples in (("train", "training"), ("validation", "validation"), ("test", "test")):
        yield MetricPlugin(
            name=f"{split}-loss",
            factory=f"{METRICS}:{split}_loss",
            summary=f"Mean loss on the {examples} examples, without penalty.",
        )
        yield MetricPlugin(
            name=f"{split}-accuracy",
            factory=f"{METRICS}:{split}_accuracy",
            summary=f"Share of the {examples} examples that are classified right.",
            higher_is_better=True,
        )
