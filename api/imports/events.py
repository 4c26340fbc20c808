"""An import as server-sent events: its current state, then each update until the last."""

import time
from collections.abc import AsyncGenerator
from hashlib import sha256

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.imports.progress_feed import ProgressFeed
from api.imports.schemas import Import
from core.imports import FINAL_STATES

HEARTBEAT_SECONDS = 15.0

# A stream may outlive the token that it was opened with; a client reconnects with a valid one.
MAX_STREAM_SECONDS = 600.0

HEARTBEAT = ServerSentEventMessage(data=None, comment="still here")


def event_id(current: Import) -> str:
    """A hash of the state, so that every server knows it from a client's Last-Event-ID."""
    return sha256(msgspec.json.encode(current)).hexdigest()[:16]


async def stream_events(
    feed: ProgressFeed, current: Import, last_event_id: str
) -> AsyncGenerator[ServerSentEventMessage]:
    """The import as it stands, unless the client has received that; then its updates.

    Of several updates between two reads only the latest is sent. Ends with a final state, when the
    server stops, or after MAX_STREAM_SECONDS.
    """
    deadline = time.monotonic() + MAX_STREAM_SECONDS
    if event_id(current) != last_event_id:
        yield _event("state", current)
    with feed.subscribe(current.import_id, current) as subscriber:
        while current.state not in FINAL_STATES and time.monotonic() < deadline:
            update = await subscriber.next_update(HEARTBEAT_SECONDS)
            if subscriber.closed:
                return
            yield _event(_event_type(current, update), update) if update else HEARTBEAT
            current = update or current


def _event_type(before: Import, current: Import) -> str:
    return "progress" if before.state is current.state else "state"


def _event(event_type: str, current: Import) -> ServerSentEventMessage:
    data = msgspec.json.encode(current).decode()
    return ServerSentEventMessage(data, event=event_type, id=event_id(current))
