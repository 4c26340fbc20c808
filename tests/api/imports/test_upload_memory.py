"""Uploads are streamed: the server does not hold files in memory.

    SENSORFLOW_TEST_UPLOAD_BYTES=1073741824 \\
        pytest -o log_cli=true --log-cli-level=INFO tests/api/imports/test_upload_memory.py

measures with larger files and logs the peaks; docs/performance.md has the figures.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from embedded.identity import IdentityProvider
from tests.api.serving import UPLOAD_SECRET
from tests.api.test_server_process import (
    gateway_token,
    server_process,
)

log = logging.getLogger(__name__)

MEBIBYTE = 2**20
LARGE_BYTES = int(os.environ.get("SENSORFLOW_TEST_UPLOAD_BYTES", 96 * MEBIBYTE))
SMALL_BYTES = LARGE_BYTES // 4

LINE = b"pump-1,2026-01-01T00:00:00Z,1.5\n"
HEADER = b"equipmentId,timestamp,value\n"


def content(size_bytes: int) -> Iterator[bytes]:
    """A file of that size, in chunks."""
    yield HEADER
    left = size_bytes - len(HEADER)
    piece = LINE * (64 * 1024 // len(LINE))
    while left > 0:
        yield piece[:left]
        left -= len(piece)


def by_form(client: httpx2.Client, size_bytes: int) -> None:
    def form() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        yield from content(size_bytes)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/sensor-data/upload-csv", content=form(), headers=headers)
    answer.raise_for_status()


def by_url(client: httpx2.Client, size_bytes: int) -> None:
    new_upload = {"fileName": "a.csv", "sizeBytes": size_bytes}
    upload = client.post("/imports", json=new_upload).raise_for_status().json()
    url = urlsplit(upload["uploadUrl"])
    client.put(f"{url.path}?{url.query}", content=content(size_bytes)).raise_for_status()
    client.post(f"/imports/{upload['importId']}/complete").raise_for_status()


def test_a_file_four_times_as_large_takes_no_more_memory(
    clean_url: str,
    identity_provider: IdentityProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = {"Authorization": f"Bearer {gateway_token(identity_provider, 'imports:write')}"}
    monkeypatch.setenv("SENSORFLOW_API_UPLOAD_SECRET", UPLOAD_SECRET)
    with (
        server_process(clean_url, identity_provider.issuer, tmp_path) as (process, url),
        httpx2.Client(base_url=url, headers=headers, timeout=600) as client,
    ):
        log.info("at the start: a peak of %s MiB", peak_bytes(process.pid) // MEBIBYTE)
        for upload in (by_form, by_url):
            upload(client, SMALL_BYTES)
            small = peak_bytes(process.pid)
            upload(client, LARGE_BYTES)
            large = peak_bytes(process.pid)
            log.info("%s: %s, then %s MiB", upload.__name__, small // MEBIBYTE, large // MEBIBYTE)
            assert large - small < (LARGE_BYTES - SMALL_BYTES) / 4


def test_the_server_begins_without_what_few_requests_need() -> None:
    program = "import sys, api.app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "obstore" in loaded
    assert not {"polars", "pyarrow", "numpy", "valkey", "alembic"} & set(loaded)


def peak_bytes(pid: int) -> int:
    """The highest resident memory of the server or a process of it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return max(high_water_mark(each) for each in (str(pid), *children))


def high_water_mark(pid: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024
