"""Stochastic methods: torch.optim's own classes, registered the way that anybody registers theirs.

Left out of the options: what only chooses an implementation (foreach, fused, capturable, differentiable) and what not
every supported torch has (decoupled_weight_decay: torch.optim.AdamW is that method).
"""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl

_MAXIMIZE = Option(default=False, doc="climb instead of descending")


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield SGD and Adam."""
    yield OptimizerPlugin(
        name="sgd",
        factory="torch.optim:SGD",
        summary="Stochastic gradient descent, with momentum if wished.",
        options={
            "lr": Option(default=1e-3, doc="learning rate", low=0.0, search="log"),
            "momentum": Option(
                default=0.0, doc="share of the last step that is kept", low=0.0, high=1.0, search="linear"
            ),
            "dampening": Option(default=0.0, doc="share of the gradient that momentum leaves out", low=0.0, high=1.0),
            "weight_decay": Option(default=0.0, doc="L2 penalty", low=0.0),
            "nesterov": Option(default=False, doc="look ahead by the momentum; needs momentum and no dampening"),
            "maximize": _MAXIMIZE,
        },
        cite="Robbins & Monro, Ann. Math. Stat. 22 (1951); Sutskever et al., ICML (2013)",
        evaluations=frozenset({"gradient"}),
        host_syncs=0,
    )
    yield OptimizerPlugin(
        name="adam",
        factory="torch.optim:Adam",
        summary="Steps scaled by running means of the gradient and of its square, corrected for their start at zero.",
        options={
            "lr": Option(default=1e-3, doc="learning rate", low=0.0, search="log"),
            "betas": Option(default=[0.9, 0.999], doc="decay of the two running means", low=0.0, high=1.0),
            "eps": Option(default=1e-8, doc="added to the root of the second mean", low=0.0),
            "weight_decay": Option(default=0.0, doc="L2 penalty", low=0.0),
            "amsgrad": Option(default=False, doc="use the largest second mean so far"),
            "maximize": _MAXIMIZE,
        },
        cite="Kingma & Ba, ICLR (2015)",
        evaluations=frozenset({"gradient"}),
        host_syncs=0,
    )
