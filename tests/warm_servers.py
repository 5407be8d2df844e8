"""Fork servers that are forked from a process that has imported torch: they start in a tenth of the time.

A suite or a run under test starts a server as a user's does, and most of its start is the import of torch. Here one
process imports it once; each server is a fork of it in the folder, the environment and the session of its own that it
would have had. The start itself is tested in `tests/runner`, which does not come by here.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

_BEFORE_TORCH = ("PYTHON", "OMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "TORCH", "LD_")  # what has its effect at imports
_LONGEST = 1 << 20  # bytes of a request


class Forked:
    """A process that another one forked, as `subprocess.Popen` would show it."""

    def __init__(self, pid: int, stderr: IO[bytes]) -> None:
        """Watch it from now on, whatever becomes of its number."""
        self.pid, self.stderr = pid, stderr
        self._watched = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code is not known."""
        if not select.select([self._watched], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return 0

    def poll(self) -> int | None:
        """Return None while it runs."""
        return 0 if select.select([self._watched], [], [], 0)[0] else None

    def kill(self) -> None:
        """Kill it, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._watched, signal.SIGKILL)

    def __del__(self) -> None:
        os.close(self._watched)


class WarmServers:
    """The warm process, started when the first server is asked for."""

    def __init__(self, cold: Callable[..., Any]) -> None:
        """Start nothing; `cold` starts the servers that need an environment of their own before torch is imported."""
        self._cold = cold
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, descriptor: int, modules: Sequence[str], environment: Mapping[str, str]) -> Any:
        """Start a server, as `optbench.runner.client.start_server` does."""
        if self._process is None:
            self._launch(environment)
        if _before_torch(environment) != self._environment:
            return self._cold(descriptor, modules, environment)
        request = {"modules": [*modules], "environment": {**environment}, "folder": str(Path.cwd())}
        errors, theirs = os.pipe()
        socket.send_fds(self._socket, [json.dumps(request).encode()], [descriptor, theirs])
        os.close(theirs)
        return Forked(int(self._socket.recv(100)), os.fdopen(errors, "rb"))

    def close(self) -> None:
        """End the warm process."""
        if self._process is not None:
            self._socket.close()
            self._process.wait()

    def _launch(self, environment: Mapping[str, str]) -> None:
        self._environment = _before_torch(environment)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", __file__, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()


def _before_torch(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_BEFORE_TORCH)}


def _serve(connection: socket.socket) -> None:
    """Fork a server for each request, until nobody can ask any more."""
    from optbench.runner import server

    server.modes()
    server.warm_up()
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        packet, descriptors, *_ = socket.recv_fds(connection, _LONGEST, 2)
        if not packet:
            return
        pid = os.fork()
        if not pid:
            connection.close()
            _become(json.loads(packet), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(str(pid).encode())


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(request: Mapping[str, Any], descriptor: int, errors: int) -> NoReturn:
    """Be the server that was asked for."""
    from optbench.runner import server

    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        silent = os.open(os.devnull, os.O_RDWR)
        for stream, number in enumerate((silent, silent, errors)):
            os.dup2(number, stream)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv[1:] = [str(descriptor), str(os.getppid()), *request["modules"]]
        server.main()
    except BaseException:  # noqa: BLE001 -- told where the parent reads it
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
