"""An import as server-sent events: its state now, and each that follows until the last."""

import time
from collections.abc import AsyncGenerator
from hashlib import sha256

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.imports.progress_feed import ImportWatch
from api.imports.schemas import Import
from core.imports import FINAL_STATES

HEARTBEAT_SECONDS = 15.0

# A stream outlives the token it was asked for with; whoever reads on, asks again with another.
LONGEST_SECONDS = 600.0

HEARTBEAT = ServerSentEventMessage(data=None, comment="still here")


def event_id(current: Import) -> str:
    """What names the state to a client that comes back: the same for every server and moment."""
    return sha256(msgspec.json.encode(current)).hexdigest()[:16]


async def events(
    watch: ImportWatch, current: Import, last_event_id: str
) -> AsyncGenerator[ServerSentEventMessage]:
    """The import as it is, unless the client has seen that; then every change, the latest first.

    Ends with a final state, when the server stops, or after LONGEST_SECONDS.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    if event_id(current) != last_event_id:
        yield _event("state", current)
    with watch.watching(current.import_id, current) as watcher:
        while current.state not in FINAL_STATES and time.monotonic() < deadline:
            news = await watcher.news(HEARTBEAT_SECONDS)
            if watcher.ended:
                return
            yield _event(_kind(current, news), news) if news else HEARTBEAT
            current = news or current


def _kind(before: Import, current: Import) -> str:
    return "progress" if before.state is current.state else "state"


def _event(kind: str, current: Import) -> ServerSentEventMessage:
    data = msgspec.json.encode(current).decode()
    return ServerSentEventMessage(data, event=kind, id=event_id(current))
