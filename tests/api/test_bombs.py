"""Bodies that are small as sent and large as read: refused in bounded memory by every route."""

import gzip
import logging
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import zstandard

from embedded.identity import IdentityProvider
from tests.api.imports.test_upload_memory import MEBIBYTE, peak_bytes
from tests.api.test_server_process import gateway_token, server_process

log = logging.getLogger(__name__)

MAX_MORE_BYTES = 400 * MEBIBYTE
BODY_BYTES = 32 * MEBIBYTE  # the largest that is read
GIGABYTE = 1024 * MEBIBYTE

NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
WINDOW_BOMB = b"\x28\xb5\x2f\xfd" + bytes([0x00, 21 << 3]) + b"\x09\x00\x00" + b"a"


def gzipped(size_bytes: int) -> bytes:
    """Zeros, compressed piece by piece."""
    packer = zlib.compressobj(9, wbits=31)
    pieces = [packer.compress(bytes(MEBIBYTE)) for _ in range(size_bytes // MEBIBYTE)]
    return b"".join(pieces) + packer.flush()


def zstd(size_bytes: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    pieces = [packer.compress(bytes(MEBIBYTE)) for _ in range(size_bytes // MEBIBYTE)]
    return b"".join(pieces) + packer.flush()


Body = Callable[[], bytes]

BATCHES: dict[str, tuple[Body, dict[str, str]]] = {
    "gzip": (lambda: gzipped(GIGABYTE), NDJSON | {"Content-Encoding": "gzip"}),
    "zstd": (lambda: zstd(GIGABYTE), NDJSON | {"Content-Encoding": "zstd"}),
    "gzip in a thousand members": (
        lambda: gzip.compress(bytes(MEBIBYTE)) * 1000,
        JSON | {"Content-Encoding": "gzip"},
    ),
    "gzip in gzip": (
        lambda: gzip.compress(gzipped(GIGABYTE)),
        NDJSON | {"Content-Encoding": "gzip"},
    ),
    "a window of 2 GiB": (lambda: WINDOW_BOMB, NDJSON | {"Content-Encoding": "zstd"}),
    "both encodings": (lambda: gzipped(GIGABYTE), JSON | {"Content-Encoding": "gzip, zstd"}),
    "one line": (lambda: b"a" * BODY_BYTES, NDJSON),
    "one line of arrays": (lambda: b"[" * BODY_BYTES, NDJSON),
    "one line of objects": (lambda: b'{"a":' * (BODY_BYTES // 5), NDJSON),
    "line ends": (lambda: b"\n" * BODY_BYTES, NDJSON),
    "deep arrays": (lambda: b"[" * BODY_BYTES, JSON),
    "deep arrays that end": (
        lambda: b"[" * (BODY_BYTES // 2) + b"]" * (BODY_BYTES // 2),
        JSON,
    ),
    "deep objects": (lambda: b'[{"a":' * (BODY_BYTES // 6), JSON),
    "empty elements": (lambda: b"[" + b"0," * (BODY_BYTES // 2 - 2) + b"0]", JSON),
    "one number": (lambda: b"[" + b"1" * (BODY_BYTES - 2) + b"]", JSON),
    "one text": (lambda: b'["' + b"\\u0061" * (BODY_BYTES // 6 - 2) + b'"]', JSON),
}

LINES = {
    "gzip": (lambda: gzipped(GIGABYTE), {"Content-Encoding": "gzip"}),
    "one line": (lambda: b"a" * BODY_BYTES, {}),
    "tags": (lambda: b"m" + b",a=b" * (BODY_BYTES // 4 - 10) + b" v=1", {}),
    "fields": (lambda: b"m " + b"v=1," * (BODY_BYTES // 4 - 10) + b"v=1", {}),
    "line ends": (lambda: b"\n" * BODY_BYTES, {}),
}

# For routes that take an object of JSON.
DEEP = {
    "arrays": b"[" * 60_000,
    "objects": b'{"a":' * 12_000,
    "a value": b'{"value":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a number": b'{"value":' + b"9" * 60_000 + b"}",
    "an option": b'{"fileName":"a.csv","sizeBytes":1,"options":{"columns":' + b"[" * 9_000,
    "an option that ends": b'{"fileName":"a.csv","sizeBytes":1,"options":{"columns":'
    + b"[" * 9_000
    + b"]" * 9_000
    + b"}}",
    "names": b"{" + b",".join(b'"%d":1' % n for n in range(6_000)) + b"}",
}
OBJECTS = {"/sensor-data": "POST", "/imports": "POST", "/equipment/a": "PATCH"}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("path", OBJECTS)
async def test_an_object_however_deep_or_wide_is_refused(
    client: httpx2.AsyncClient, path: str, body: bytes
) -> None:
    response = await client.request(OBJECTS[path], path, content=body, headers=JSON)
    assert response.status_code in {400, 413}
    assert isinstance(response.json()["code"], str)


def test_no_body_makes_the_server_hold_much_more_than_the_largest_that_it_reads(
    clean_url: str, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {gateway_token(identity_provider, 'readings:write')}"}
    with (
        server_process(clean_url, identity_provider.issuer, tmp_path) as (process, url),
        httpx2.Client(base_url=url, headers=headers, timeout=120) as client,
    ):
        before = peak_bytes(process.pid)

        def refused(path: str, name: str, body: bytes, extra: dict[str, str]) -> None:
            response = client.post(path, content=body, headers=extra)
            more = peak_bytes(process.pid) - before
            log.info(
                "%s %s, %s bytes: %s, %s MiB", path, name, len(body), response, more // MEBIBYTE
            )
            assert 400 <= response.status_code < 500, (path, name)
            assert response.json()["code"], (path, name)
            assert more < MAX_MORE_BYTES, (path, name)

        for name, (make, extra) in BATCHES.items():
            refused("/sensor-data/batch", name, make(), extra)
        for name, (make, extra) in LINES.items():
            refused("/api/v2/write", name, make(), extra)
        reading = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
        assert client.post("/sensor-data", json=reading).status_code == 201
