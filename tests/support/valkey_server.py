"""A Valkey of a test's own, or Redis, which speaks the same."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_port

PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")

needs_valkey = pytest.mark.skipif(
    PROGRAM is None,
    reason="there is no Valkey here; install Debian's package redis-server or valkey-server",
)

VALKEY = pytest.param("valkey", marks=needs_valkey)


class ValkeyServer:
    """Keeps nothing on disk, so that it comes back empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"valkey://127.0.0.1:{self._port}/0"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        assert PROGRAM
        address = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder)]
        process = subprocess.Popen(
            [PROGRAM, *address, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
        )
        try:
            self._accepts(process)
            yield process
        finally:
            process.kill()
            process.wait()

    def _accepts(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.01)
        pytest.fail("Valkey did not start")
