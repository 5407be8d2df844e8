"""The fork server's start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys


def test_a_server_whose_parent_died_while_it_started_leaves_without_a_word() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            someone_else = os.getppid()
            command = [sys.executable, "-P", "-m", "optbench.runner.server", str(theirs.fileno()), str(someone_else)]
            server = subprocess.run(command, pass_fds=[theirs.fileno()], capture_output=True, check=False)
        assert (server.returncode, server.stderr) == (0, b"")
        assert ours.recv(100) == b""
