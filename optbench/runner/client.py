"""The parent's side of the fork server."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_QUIET = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
_PRELOAD_SECONDS = 60.0


@dataclass(frozen=True)
class Calibration:
    """What was measured in the server once it was warm; seconds."""

    harness: float  # that the harness adds to a step, nearly all of it off the trial's clock
    bias: float  # what of it stays on the clock
    reference: float  # of the reference kernel, at its usual speed


@dataclass(frozen=True)
class Ended:
    """A child that is gone."""

    handle: int
    code: int  # negative: the signal that killed it


def start_server(descriptor: int, modules: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the process of a server that talks on the descriptor and imports the modules first."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "optbench.runner.server", str(descriptor), str(os.getpid()), *modules],
        pass_fds=[descriptor],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that Ctrl-C reaches the parent only
    )


class ForkServer:
    """Starts the server process; children are started, killed and waited for by handle."""

    def __init__(self, threads: int = 1, preload: Sequence[str] = ()) -> None:
        """Start it; it warms up while the parent goes on.

        `threads` pins the thread pools that read the environment; `preload` are modules that children would import
        each for itself. Where one of them kills or hangs the server, it is started again without them.
        """
        self._threads = threads
        self._handles = 0
        self._preload = tuple(preload)
        self._launch()

    def _launch(self) -> None:
        self._modes: dict[str, Any] | None = None
        self._ready: dict[str, Any] | None = None
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(self._threads)), **_QUIET}
        self._process = start_server(theirs.fileno(), self._preload, environment)
        theirs.close()

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop it and all its children."""
        self.close()

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this machine; waits until the server is warm."""
        return tuple(self._answer()["ready"])

    @property
    def modes(self) -> dict[str, Any]:
        """What decides which kernels run in the children, by `torch_modes`.

        Waits until the server has imported torch, not until it is warm: results are looked up by it, and where all of
        them are stored, nobody needs a warm server.
        """
        if self._modes is None:
            self._modes = dict(self._receive()["modes"])
        return self._modes

    @property
    def calibration(self) -> Calibration:
        """What the harness costs on this machine; waits until the server is warm."""
        return Calibration(**self._answer()["calibration"])

    def _answer(self) -> dict[str, Any]:
        """Return what the server said when it was warm."""
        _ = self.modes  # come first
        if self._ready is None and self._preload and not self._warm():
            self.close()
            self._preload = ()
            self._launch()
            return self._answer()
        if self._ready is None:
            self._ready = self._receive()
        return self._ready

    def _warm(self) -> bool:
        """Tell whether the server has survived its preloading."""
        if not select.select([self._socket], [], [], _PRELOAD_SECONDS)[0]:
            self._process.kill()
            return False
        packet = self._socket.recv(65536)
        if packet:
            self._ready = json.loads(packet)
        return bool(packet)

    def start(self, job: Path) -> int:
        """Fork a child for the job in the file; returns its handle."""
        self._answer()
        self._handles += 1
        self._send({"start": self._handles, "job": str(job)})
        return self._handles

    def kill(self, handle: int) -> None:
        """Kill the child's process group; its end is told like any other."""
        self._send({"kill": handle})

    def wait(self, timeout: float) -> Ended | None:
        """Return the next child that ended, None after `timeout` seconds."""
        if not select.select([self._socket], [], [], timeout)[0]:
            return None
        message = self._receive()
        return Ended(message["ended"], message["code"])

    def close(self) -> None:
        """Close the socket, which ends the server, and wait for it; one that is not warm has no children."""
        self._socket.close()
        if self._ready is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(message).encode())
        except BrokenPipeError:
            raise self._gone() from None

    def _receive(self) -> dict[str, Any]:
        packet = self._socket.recv(65536)
        if not packet:
            raise self._gone()
        message: dict[str, Any] = json.loads(packet)
        return message

    def _gone(self) -> RuntimeError:
        said = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
        return RuntimeError(f"the fork server ended unexpectedly:\n{said.strip()[-2000:]}")
