"""What a child does: limits, one pass of one trial, a result file. Leaves by os._exit, whatever happens."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

from optbench.records import Job, Status, Trace, canonical_json
from optbench.records.canonical import without_nonfinite


def run_job(path: Path, *, fresh: bool = False) -> None:
    """Run the job in `path`; what a plugin prints goes to the folder's file `output`. `fresh`: not forked."""
    job = Job.from_json(json.loads(path.read_text(encoding="utf-8")))
    folder = Path(job.folder)
    output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if job.spec.device != "cpu" and not fresh:
        # CUDA does not survive a fork: the child becomes a fresh process.
        os.execv(sys.executable, [sys.executable, "-P", "-m", "optbench.runner.child", str(path)])  # noqa: S606
    faulthandler.enable()
    _limit_memory(job.memory_limit)
    write_json(folder / "result.json", _outcome(job))
    sys.stdout.flush()
    os._exit(0)


def _outcome(job: Job) -> dict[str, Any]:
    import torch

    from optbench.api import Refused, UserError

    torch.set_num_threads(job.spec.threads)
    pin_modes()
    try:
        return _run(job)
    except (Refused, UserError) as refusal:
        return {"status": Status.SKIPPED, "reason": str(refusal)}
    except MemoryError as error:
        return {"status": Status.OOM, "reason": "memory limit", "message": _line(error)}
    except BaseException as error:  # noqa: BLE001 -- a plugin may raise anything; the traceback is kept
        if isinstance(error, torch.OutOfMemoryError) or (isinstance(error, RuntimeError) and _is_memory(str(error))):
            return {"status": Status.OOM, "reason": "memory limit", "message": _line(error)}
        kept = traceback.format_exc()
        return {"status": Status.ERROR, "reason": type(error).__name__, "message": _line(error), "traceback": kept}


def pin_modes() -> None:
    """Choose repeatable kernels of full precision, whatever is the default of this version of torch."""
    import torch

    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would import torch's compiler
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False


def _run(job: Job) -> dict[str, Any]:
    from optbench.measure import memory_pass, trial

    if job.pass_ == "memory":
        return {"record": memory_pass.memory_pass(job).to_json()}
    if job.pass_ == "projection":
        from optbench.measure.projection import project

        return {"record": project(job).to_json()}
    if job.pass_ == "metrics":
        record, trace = trial.metrics_pass(job)
        write_trace(Path(job.folder) / trial.METRICS, trace)
        return {"record": record.to_json()}
    return {"record": trial.time_pass(job).to_json()}


def write_json(path: Path, data: Any) -> None:
    """Write a file that is there whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(canonical_json(without_nonfinite(data)), encoding="utf-8")
    temporary.replace(path)


def write_trace(path: Path, trace: Trace) -> None:
    """Write a trace: a line of JSON, then its bytes."""
    header = json.dumps({"columns": trace.columns, "complete": trace.complete}).encode()
    path.write_bytes(header + b"\n" + trace.encode())


def read_trace(path: Path) -> Trace | None:
    """Return the trace that `write_trace` wrote; None where there is none."""
    if not path.exists():
        return None
    header, _, blob = path.read_bytes().partition(b"\n")
    fields = json.loads(header)
    return Trace.decode(fields["columns"], blob, complete=fields["complete"])


def _limit_memory(limit: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limit is not None:
        most = _mapped_data() + limit
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _mapped_data() -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _is_memory(message: str) -> bool:
    return "can't allocate memory" in message or "out of memory" in message


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:500]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"


if __name__ == "__main__":
    sys.path.append("")
    run_job(Path(sys.argv[1]), fresh=True)
