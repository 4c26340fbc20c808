"""Events in memory: the latest, from which a client may resume, and each client's unsent ones."""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

from api.http.equipment_filter import EquipmentFilter
from api.live.schemas import Event

REPLAYED_EVENTS = 5_000
MAX_UNSENT_EVENTS = 1_000

SEQUENCE_NUMBER = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event and its sequence number among all of this process."""

    number: int
    event: Event


class Subscriber:
    """The unsent events of one client; if they become too many, only that events were missed."""

    def __init__(self, equipment: EquipmentFilter) -> None:
        self._equipment = equipment
        self._unsent: deque[NumberedEvent] = deque()
        self._updated = asyncio.Event()
        self.missed = False
        self.ended = False

    def publish(self, numbered: NumberedEvent) -> None:
        """Queue the event, if it concerns equipment of this client."""
        equipment_id = numbered.event.equipment_id
        if equipment_id is not None and not self._equipment.matches(equipment_id):
            return
        if len(self._unsent) >= MAX_UNSENT_EVENTS:
            self.miss()
        else:
            self._unsent.append(numbered)
        self._updated.set()

    def clear(self) -> None:
        """Start again without unsent events."""
        self._unsent.clear()
        self.missed = False

    def miss(self) -> None:
        """Drop the unsent events and mark that the client missed some."""
        self._unsent.clear()
        self.missed = True
        self._updated.set()

    def end(self) -> None:
        """End the stream of this client."""
        self.ended = True
        self._updated.set()

    async def next_events(self, timeout_seconds: float) -> list[NumberedEvent]:
        """The unsent events, as soon as there is one; none after the timeout."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._updated.wait()
        self._updated.clear()
        events = list(self._unsent)
        self._unsent.clear()
        return events


class LiveFeed:
    """Publishes events to all subscribers of this process."""

    def __init__(self) -> None:
        self._process = uuid4().hex[:8]
        self._next_number = 0
        self._latest: deque[NumberedEvent] = deque(maxlen=REPLAYED_EVENTS)
        self._subscribers: set[Subscriber] = set()
        self._closed = False

    def publish(self, events: Iterable[Event]) -> None:
        """Queue the events for every subscriber that they concern."""
        for event in events:
            numbered = NumberedEvent(self._next_number, event)
            self._next_number += 1
            self._latest.append(numbered)
            for subscriber in self._subscribers:
                subscriber.publish(numbered)

    def interrupt(self) -> None:
        """Events may have been lost: nobody can resume from an earlier one."""
        self._next_number += 1
        self._latest.clear()
        for subscriber in self._subscribers:
            subscriber.miss()

    def event_id(self, number: int | None = None) -> str:
        """The id after which a client resumes: of this event, by default of the last one."""
        return f"{self._process}-{self._next_number - 1 if number is None else number}"

    @contextmanager
    def subscribe(self, equipment: EquipmentFilter) -> Iterator[Subscriber]:
        """A subscriber to the events from now on."""
        subscriber = Subscriber(equipment)
        if self._closed:
            subscriber.end()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def resume(self, subscriber: Subscriber, last_event_id: str) -> None:
        """Replay the events after this one, none without an id.

        If the event is not known any more, the subscriber has missed events.
        """
        subscriber.clear()
        if not last_event_id:
            return
        process, _, number = last_event_id.partition("-")
        oldest = self._latest[0].number if self._latest else self._next_number
        known = process == self._process and SEQUENCE_NUMBER.fullmatch(number)
        if not known or not oldest - 1 <= int(number) < self._next_number:
            subscriber.miss()
            return
        for numbered in self._latest:
            if numbered.number > int(number):
                subscriber.publish(numbered)

    def close(self) -> None:
        """End all streams, those to come included."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.end()
