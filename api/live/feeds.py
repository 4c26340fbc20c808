"""News in memory: the latest for who comes back, and what each client has not been sent yet."""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

from api.equipment.choice import EquipmentChoice
from api.live.schemas import News

KEPT = 5_000
MOST_UNSENT = 1_000

NUMBER = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Numbered:
    """One piece of news and its place among all of this process."""

    number: int
    news: News


class Feed:
    """What one client has not been sent yet; when that grows too much, only that it did."""

    def __init__(self, chosen: EquipmentChoice) -> None:
        self._chosen = chosen
        self._unsent: deque[Numbered] = deque()
        self._something = asyncio.Event()
        self.missed = False
        self.ended = False

    def put(self, item: Numbered) -> None:
        """Keep the item for the client, if it chose the equipment."""
        if item.news.equipment_id is not None and not self._chosen.holds(item.news.equipment_id):
            return
        if len(self._unsent) >= MOST_UNSENT:
            self.miss()
        else:
            self._unsent.append(item)
        self._something.set()

    def clear(self) -> None:
        """Begin anew."""
        self._unsent.clear()
        self.missed = False

    def miss(self) -> None:
        """Forget what was not sent: the client will be told that it missed something."""
        self._unsent.clear()
        self.missed = True
        self._something.set()

    def end(self) -> None:
        """Send the client away."""
        self.ended = True
        self._something.set()

    async def taken(self, timeout_seconds: float) -> list[Numbered]:
        """What was not sent yet, once there is something or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._something.wait()
        self._something.clear()
        items = list(self._unsent)
        self._unsent.clear()
        return items


class Feeds:
    """Those of all clients of this process."""

    def __init__(self) -> None:
        self._process = uuid4().hex[:8]
        self._next = 0
        self._latest: deque[Numbered] = deque(maxlen=KEPT)
        self._feeds: set[Feed] = set()
        self._closed = False

    def publish(self, news: Iterable[News]) -> None:
        """Give the news to whom it concerns."""
        for item in news:
            numbered = Numbered(self._next, item)
            self._next += 1
            self._latest.append(numbered)
            for feed in self._feeds:
                feed.put(numbered)

    def interrupt(self) -> None:
        """Something may have been missed: nobody can go on from before."""
        self._next += 1
        self._latest.clear()
        for feed in self._feeds:
            feed.miss()

    def name(self, number: int | None = None) -> str:
        """What a client sends back to go on behind a piece of news, the last one if not said."""
        return f"{self._process}-{self._next - 1 if number is None else number}"

    @contextmanager
    def open(self, chosen: EquipmentChoice) -> Iterator[Feed]:
        """A feed of what comes from now on."""
        feed = Feed(chosen)
        if self._closed:
            feed.end()
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    def go_on(self, feed: Feed, last_event_id: str) -> None:
        """Begin behind the event, or now if there is none; `missed` if it is not known any more."""
        feed.clear()
        if not last_event_id:
            return
        process, _, number = last_event_id.partition("-")
        oldest = self._latest[0].number if self._latest else self._next
        known = process == self._process and NUMBER.fullmatch(number)
        if not known or not oldest - 1 <= int(number) < self._next:
            feed.miss()
            return
        for item in self._latest:
            if item.number > int(number):
                feed.put(item)

    def close(self) -> None:
        """Send everybody away and let nobody stay any more."""
        self._closed = True
        for feed in self._feeds:
            feed.end()
