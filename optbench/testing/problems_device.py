"""The check that a problem is built and evaluated wherever its trial runs."""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor

from optbench.api import Evaluation
from optbench.testing.audit import Audit
from optbench.testing.audit_runs import refusal, require_audits
from optbench.testing.audit_shadows import DEVICE
from optbench.testing.framework import CheckFailed, Subject, require
from optbench.testing.problems_rig import Rig, arguments
from optbench.testing.trials import place

_LARGE = 200  # parameters from which on a Hessian takes too long


def check_device(subject: Subject) -> None:
    """Build and evaluate under an audit; whatever an accelerator refuses raises."""
    require_audits()
    expected = Rig.build(subject).start().parameters
    with Audit():
        try:
            x = _evaluated(subject)
        except CheckFailed:
            raise
        except Exception as error:
            raise refusal(error, subject) from error
        same = torch.equal(x.cpu(), expected)
    require(same, "the start on another device differs from that on the CPU: draw on the CPU, then move it over")


def _evaluated(subject: Subject) -> Tensor:
    """Evaluate everything at the start, and return that."""
    rig = Rig.build(subject, place(device=DEVICE))
    x = rig.start().parameters
    _require_here(x, "start")
    batches = [batch if batch is None else batch.to(DEVICE) for batch in rig.batches()]
    for kind in get_args(Evaluation):
        if kind not in rig.derivatives.offers() or (kind == "hessian" and rig.n > _LARGE):
            continue
        for batch in batches:
            _require_here(getattr(rig.derivatives, kind)(*arguments(kind, x), batch), kind)
    return x


def _require_here(result: Any, kind: str) -> None:
    for tensor in result if isinstance(result, tuple) else (result,):
        if tensor is not None:
            require(tensor.device.type == DEVICE.type, f"{kind} lies on {tensor.device}; expected another device")
