"""A Valkey server of a test's own, or Redis, which has the same protocol."""

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
    """Stores nothing on disk, so it is empty after a restart."""

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
            self._wait_until_accepting(process)
            yield process
        finally:
            process.kill()
            process.wait()

    def _wait_until_accepting(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.01)
        pytest.fail("Valkey did not start")
