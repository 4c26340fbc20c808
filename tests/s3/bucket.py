"""A bucket of a test's own: s3rver, which stores, lists and lets signed URLs expire like S3.

It does not look at the signatures themselves; those are the storage library's.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded.node import find_node, install_packages
from tests.support.ports import free_port

HERE = Path(__file__).parent
BUCKET = "uploads"
START_SECONDS = 20


@contextmanager
def running_bucket(folder: Path) -> Iterator[dict[str, str]]:
    """What the environment must say for `s3://uploads` to be this bucket, while the block runs."""
    install_packages(HERE)
    port = free_port()
    program = HERE / "node_modules" / "s3rver" / "bin" / "s3rver.js"
    place = ["--directory", str(folder), "--address", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [find_node().executable, program, *place, "--silent", "--configure-bucket", BUCKET],
        stdout=subprocess.DEVNULL,
    )
    try:
        _accepts(process, port)
        yield {
            "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "S3RVER",
            "AWS_SECRET_ACCESS_KEY": "S3RVER",
        }
    finally:
        process.kill()
        process.wait()


def _accepts(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("The bucket did not start")
