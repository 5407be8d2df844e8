"""Stochastic methods: torch.optim's own classes, registered the way that anybody registers theirs.

Left out of the options: what only chooses an implementation (foreach, fused, capturable, differentiable), what not
every supported torch has (Adam's decoupled_weight_decay: AdamW is that method), and Adafactor's eps, a pair with an
entry that is no number. Left out of the methods: SparseAdam, which takes sparse gradients only, and no problem here has
any; LBFGS, which is `torch-lbfgs` among the peers.
"""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl
from optbench.numerics.schedules import SCHEDULE
from optbench_stochastic.options import DECOUPLED, decay, epsilon, means, of_torch, rate


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield one record a class."""
    yield from _by_the_gradient()
    yield from _by_signs_and_means()
    yield from _by_sums_of_squares()
    yield from _by_means_of_squares()
    yield from _by_rows_and_columns()
    yield from _adams()
    yield from _variants_of_adam()
    yield from _by_matrices()


def _by_the_gradient() -> Iterator[OptimizerPlugin]:
    yield of_torch(
        "sgd",
        "torch.optim:SGD",
        "Stochastic gradient descent, with momentum if wished.",
        {
            "lr": rate(1e-3, 1e-3, 1.0),
            "momentum": Option(
                default=0.0,
                doc="share of the last step that is kept",
                low=0.0,
                high=1.0,
                search="linear",
                span=(0.0, 0.99),
            ),
            "dampening": Option(default=0.0, doc="share of the gradient that momentum leaves out", low=0.0, high=1.0),
            "weight_decay": decay(),
            "nesterov": Option(default=False, doc="look ahead by the momentum; needs momentum and no dampening"),
        },
        "Robbins & Monro, Ann. Math. Stat. 22 (1951); Sutskever et al., ICML (2013)",
    )


def _by_signs_and_means() -> Iterator[OptimizerPlugin]:
    yield of_torch(
        "asgd",
        "optbench_stochastic.elementwise:ASGD",
        "SGD with a shrinking rate and weights. The mean of the iterates that it keeps is not what is reported.",
        {
            "lr": rate(0.01, 1e-3, 1.0),
            "lambd": Option(default=1e-4, doc="what the weights shrink by, times the rate", low=0.0),
            "alpha": Option(default=0.75, doc="power of the time by which the rate falls", low=0.0),
            "t0": Option(default=1e6, doc="step at which the mean begins", low=0.0),
            "weight_decay": decay(),
        },
        "Polyak & Juditsky, SIAM J. Control Optim. 30 (1992)",
        host_syncs=None,  # several a tensor: its rate is on the device
    )
    yield of_torch(
        "rprop",
        "optbench_stochastic.elementwise:Rprop",
        "Steps by the gradient's signs alone, longer while they stay. For full batches: noise turns signs, too.",
        {
            "lr": Option(default=0.01, doc="first step of each parameter", low=0.0, search="log", span=(1e-4, 0.1)),
            "etas": Option(default=[0.5, 1.2], doc="a step's factor where the sign has turned, and where not", low=0.0),
            "step_sizes": Option(default=[1e-6, 50.0], doc="the least and the largest step", low=0.0),
        },
        "Riedmiller & Braun, ICNN (1993)",
    )


def _by_sums_of_squares() -> Iterator[OptimizerPlugin]:
    yield of_torch(
        "adagrad",
        "optbench_stochastic.elementwise:Adagrad",
        "Steps divided by the root of the sum of all squared gradients so far.",
        {
            "lr": rate(0.01, 1e-3, 1.0),
            "lr_decay": Option(default=0.0, doc="by which the rate falls: lr/(1 + k·lr_decay)", low=0.0),
            "weight_decay": decay(),
            "initial_accumulator_value": Option(default=0.0, doc="the sum before the first step", low=0.0),
            "eps": epsilon(1e-10, "added to the root of the sum"),
        },
        "Duchi, Hazan & Singer, JMLR 12 (2011)",
    )


def _by_means_of_squares() -> Iterator[OptimizerPlugin]:
    yield of_torch(
        "rmsprop",
        "optbench_stochastic.elementwise:RMSprop",
        "Steps divided by the root of a running mean of squared gradients. eps (the book's δ) is added outside of the "
        "root, and momentum acts on what is divided already.",
        {
            "lr": rate(0.01, 1e-4, 0.1),
            "alpha": Option(default=0.99, doc="decay of the mean (the book's ρ)", low=0.0, high=1.0),
            "eps": epsilon(
                1e-8, "the book's δ, added to the root of the mean: outside of it, where the book has it inside"
            ),
            "weight_decay": decay(),
            "momentum": Option(
                default=0.0,
                doc="share of the last divided step that is kept: momentum comes after the division",
                low=0.0,
            ),
            "centered": Option(default=False, doc="take the square of the mean gradient off the mean square"),
        },
        "Tieleman & Hinton, Neural networks for machine learning, lecture 6.5 (2012)",
    )
    yield of_torch(
        "adadelta",
        "optbench_stochastic.elementwise:Adadelta",
        "Steps in the unit of the parameters: the root of the mean square step over that of the mean square gradient.",
        {
            "lr": rate(1.0, 0.01, 10.0),
            "rho": Option(default=0.9, doc="decay of both means", low=0.0, high=1.0),
            "eps": epsilon(1e-6, "added to both means, within their roots; it sets the length of the first steps"),
            "weight_decay": decay(),
        },
        "Zeiler, arXiv:1212.5701 (2012)",
    )


def _by_rows_and_columns() -> Iterator[OptimizerPlugin]:
    yield of_torch(
        "adafactor",
        "torch.optim:Adafactor",
        "Steps divided by the root of a mean square kept by rows and columns, relative to the size of each tensor.",
        {
            "lr": rate(0.01, 1e-3, 1.0),
            "beta2_decay": Option(
                default=-0.8, doc="power of the time by which the mean takes less of what is new", high=0.0
            ),
            "d": Option(default=1.0, doc="the most that a tensor's mean square step may be", low=0.0),
            "weight_decay": decay(0.0, "by which the parameters shrink, times the rate"),
        },
        "Shazeer & Stern, ICML (2018)",
        host_syncs=None,  # two a tensor: sizes of parameters and steps
    )


def _adams() -> Iterator[OptimizerPlugin]:
    amsgrad = Option(default=False, doc="use the largest mean square so far")
    yield of_torch(
        "adam",
        "optbench_stochastic.adam:Adam",
        "Steps scaled by running means of the gradient and of its square, corrected for their start at zero.",
        {
            **means(1e-3),
            "amsgrad": amsgrad,
            "bias_correction": Option(default=True, doc="correct the means, which start at zero"),
        },
        "Kingma & Ba, ICLR (2015)",
    )
    yield of_torch(
        "adamw",
        "optbench_stochastic.elementwise:AdamW",
        "Adam whose weight decay shrinks the parameters and is no part of the gradient.",
        {
            **means(1e-3),
            "weight_decay": decay(0.01, "by which the parameters shrink, times the rate"),
            "amsgrad": amsgrad,
        },
        "Loshchilov & Hutter, ICLR (2019)",
    )


def _variants_of_adam() -> Iterator[OptimizerPlugin]:
    yield of_torch(
        "adamax",
        "optbench_stochastic.elementwise:Adamax",
        "Adam with the largest gradient, decaying, instead of the root of the mean square.",
        {
            **means(2e-3),
            "eps": epsilon(1e-8, "added to the largest"),
        },
        "Kingma & Ba, ICLR (2015), section 7.1",
    )
    yield of_torch(
        "nadam",
        "optbench_stochastic.elementwise:NAdam",
        "Adam that looks ahead by the momentum, as Nesterov's method does.",
        {
            **means(2e-3),
            "momentum_decay": Option(default=4e-3, doc="how fast the momentum comes to its full share", low=0.0),
            "decoupled_weight_decay": DECOUPLED,
        },
        "Dozat, ICLR workshop (2016)",
    )
    yield of_torch(
        "radam",
        "optbench_stochastic.elementwise:RAdam",
        "Adam that takes momentum steps, undivided, until enough squares were seen to divide by.",
        {
            **means(1e-3),
            "decoupled_weight_decay": DECOUPLED,
        },
        "Liu et al., ICLR (2020)",
    )


def _by_matrices() -> Iterator[OptimizerPlugin]:
    yield OptimizerPlugin(
        name="muon",
        factory="optbench_stochastic.muon:Muon",
        summary="Orthogonalised momentum for matrices; what is no matrix (biases, kernels) is left to AdamW.",
        options={
            "lr": rate(1e-3, 1e-3, 0.1),
            "weight_decay": decay(0.1, "by which matrices shrink, times the rate"),
            "momentum": Option(default=0.95, doc="decay of the sum of gradients", low=0.0, high=1.0),
            "nesterov": Option(default=True, doc="look ahead by the momentum"),
            "ns_coefficients": Option(
                default=[3.4445, -4.775, 2.0315], doc="of the polynomial that makes singular values equal"
            ),
            "eps": epsilon(1e-7, "added to the norm that the matrix is divided by first"),
            "ns_steps": Option(default=5, doc="times that the polynomial is applied", low=1, high=99),
            "adjust_lr_fn": Option(
                default="original",
                doc="how the rate depends on a matrix's shape: √(rows/columns) if above 1, or 0.2·√(the larger)",
                choices=("original", "match_rms_adamw"),
            ),
            "other_lr": Option(default=1e-3, doc="AdamW's rate, of what is no matrix", low=0.0),
            "other_weight_decay": decay(0.01, "by which what is no matrix shrinks, times that rate"),
            "schedule": SCHEDULE,
        },
        cite="Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024)",
        evaluations=frozenset({"gradient"}),
        gives=frozenset({"step-hook", "movable-point"}),
        needs=frozenset({"model"}),
        host_syncs=0,
    )
