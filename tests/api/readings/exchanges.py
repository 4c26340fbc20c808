"""Requests as raw bytes, and everything that a server does with one."""

import asyncio
import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from structlog.typing import EventDict

from core.database import Pool

# The date, and the latest timestamp that is accepted, by the same clock.
CLOCK = re.compile(rb"\r\ndate: [^\r]*|(?<=later than )[^ \"]+")
DURATION = re.compile(r"_(bucket|sum|created)[ {]|^(python|process)_|^#")
LEFT_BEHIND = "DELETE FROM readings; DELETE FROM rollup_dirty_ranges; DELETE FROM idempotency_keys"


class Exchange(NamedTuple):
    """The response but for what its clock says, the lines in the log, and what is stored."""

    response: bytes
    logs: list[dict[str, Any]]
    readings: list[tuple[Any, ...]]
    late: int


async def exchanged(url: str, request: list[bytes], pool: Pool) -> Exchange:
    """What the server does with the parts of a request, which asks it to close the connection."""
    ended = asyncio.Event()

    def notice_end(_logger: object, _name: str, entry: EventDict) -> EventDict:
        if entry["event"] == "request":
            ended.set()
        return entry

    with capture_logs([merge_contextvars, notice_end]) as logs:
        response = await _response(url, request)
        if b"\r\nx-request-id:" in response:
            await ended.wait()
    readings = await pool.fetch("SELECT equipment_id, ts, value FROM readings ORDER BY 1, 2")
    late = await pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges")
    await pool.execute(LEFT_BEHIND)
    return Exchange(
        CLOCK.sub(b"", response),
        [_comparable(entry) for entry in logs],
        list(map(tuple, readings)),
        late,
    )


async def _response(url: str, request: list[bytes]) -> bytes:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    received = b""
    try:
        for part in request:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01 if len(request) > 1 else 0)
        while more := await reader.read(2**16):
            received += more
    except ConnectionError:
        pass  # what came before is compared
    writer.close()
    return received


def _comparable(entry: EventDict) -> dict[str, Any]:
    """Without how long it took, and without the words of an exception, which name a chunk."""
    comparable = {name: value for name, value in entry.items() if name != "milliseconds"}
    if "exc_info" in comparable:
        comparable["exc_info"] = type(comparable["exc_info"])
    return comparable


def counted(metrics: str) -> list[str]:
    """The metrics that count, without durations and without what is of the whole process."""
    return sorted(line for line in metrics.splitlines() if not DURATION.search(line))
