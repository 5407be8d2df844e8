"""The fork server: imports torch once, then forks one child a job. Started by `client.ForkServer`, never by hand.

Messages are JSON packets on a socket. In: `{"start": handle, "job": path}`, `{"kill": handle}`.
Out: `{"modes": of the libraries}` as soon as they are known, `{"ready": devices, "calibration": what the harness costs
here}` once children can be forked, `{"ended": handle, "code": exit code, negative for a signal}`.
When the socket closes (the parent is gone, however it went) every child's process group is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import statistics
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optbench.runner.machine import Mode, torch_modes

_PR_SET_PDEATHSIG = 1
_REFERENCE_READINGS = 7


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Ask the kernel to send `sig` when the parent dies (0: not any more); where it can't, nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sig)


def modes() -> dict[str, Mode]:
    """Import torch and choose its modes as children do; returns them."""
    import torch

    from optbench.runner.child import pin_modes

    torch.set_num_threads(1)
    pin_modes()
    return torch_modes()


def warm_up(modules: Sequence[str] = ()) -> list[str]:
    """Import what torch's first use imports lazily, and `modules`; returns the devices that there are."""
    import numpy as np
    import torch

    import optbench.measure.memory_pass
    import optbench.measure.trial
    import optbench.numerics  # noqa: F401 -- so that children import neither

    torch.use_deterministic_algorithms(True, warn_only=True)  # tells torch's compiler, which torch.optim imports anyway
    point = torch.zeros(2, dtype=torch.float64)
    gradient = torch.func.grad(lambda x: (x**3).sum())
    torch.func.vmap(lambda v: torch.func.jvp(gradient, (point,), (v,))[1], chunk_size=2)(
        torch.eye(2, dtype=torch.float64)
    )
    leaf = point.clone().requires_grad_(True)
    torch.autograd.grad((leaf**2).sum(), leaf)
    torch.optim.SGD([torch.nn.Parameter(point.clone())], lr=0.1).step()
    torch.linalg.cholesky_ex(torch.eye(2))
    np.linalg.norm(np.zeros(2))
    for module in modules:
        with contextlib.suppress(BaseException):  # the child that needs it will say what is wrong with it
            importlib.import_module(module)
    count = torch.cuda.device_count()
    return ["cpu", *(["cuda"] if count else []), *(f"cuda:{index}" for index in range(count))]


def calibration() -> dict[str, float]:
    """Return what the harness costs a step here and the reference kernel's seconds; it warms up the loop, too."""
    from optbench.measure.calibration import calibrate
    from optbench.measure.reference import reference_seconds

    overhead = calibrate()
    return {
        "harness": overhead.harness,
        "bias": overhead.bias,
        "reference": statistics.median(reference_seconds() for _ in range(_REFERENCE_READINGS)),
    }


class Server:
    """Forks, kills and reaps children."""

    def __init__(self, connection: socket.socket) -> None:
        """Serve one parent."""
        self._connection = connection
        self._children: dict[int, int] = {}  # handle -> pid
        self._wake, wake_write = os.pipe()
        for end in (self._wake, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._wake_write = wake_write

    def serve(self) -> None:
        """Answer until the parent is gone."""
        selector = selectors.DefaultSelector()
        selector.register(self._connection, selectors.EVENT_READ)
        selector.register(self._wake, selectors.EVENT_READ)
        try:
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake in ready:
                    os.read(self._wake, 4096)
                    self._reap()
                if self._connection in ready and not self._answer():
                    return
        finally:
            for pid in self._children.values():
                kill_group(pid)

    def _answer(self) -> bool:
        packet = self._connection.recv(65536)
        if not packet:
            return False
        message = json.loads(packet)
        if "start" in message:
            self._children[message["start"]] = self._fork(message["job"])
        elif message["kill"] in self._children:
            kill_group(self._children[message["kill"]])
        return True

    def _fork(self, job: str) -> int:
        server = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            die_with_parent()
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._connection.close()
            os.close(self._wake)
            os.close(self._wake_write)
            if os.getppid() == server:
                from optbench.runner.child import run_job

                run_job(Path(job))
        except BaseException:  # noqa: BLE001 -- told in the child's output, which the parent reads
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)  # run_job leaves by os._exit itself

    def _reap(self) -> None:
        for handle, pid in list(self._children.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                kill_group(pid)  # what the child left behind
                del self._children[handle]
                self._send({"ended": handle, "code": os.waitstatus_to_exitcode(status)})

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._connection.send(json.dumps(message).encode())


def kill_group(pid: int) -> None:
    """Kill a process group; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Tell the modes, warm up, say so, serve."""
    sys.path.append("")  # modules of the working directory, last, as in the parent
    descriptor, parent, *modules = sys.argv[1:]
    die_with_parent()  # only while there are no children: afterwards the closed socket tells
    if os.getppid() != int(parent):  # it died before the kernel was asked
        return
    connection = socket.socket(fileno=int(descriptor))
    connection.send(json.dumps({"modes": modes()}).encode())
    ready = {"ready": warm_up(modules), "calibration": calibration()}
    gc.collect()
    gc.freeze()
    die_with_parent(0)
    connection.send(json.dumps(ready).encode())
    Server(connection).serve()


if __name__ == "__main__":
    main()
