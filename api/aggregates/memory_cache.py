from typing import NamedTuple

from cachetools import LRUCache

from api.aggregates.encoding import EncodedResult
from core.settings import CacheSettings

ENTRY_BYTES = 1_000  # what an entry takes besides its items


class CacheEntry(NamedTuple):
    """A result and the entity tag under which it is valid."""

    tag: str
    result: EncodedResult


class MemoryResultCache:
    """Results in the memory of this process; the least recently used is evicted first."""

    def __init__(self, settings: CacheSettings) -> None:
        self._max_entry_bytes = min(settings.max_answer_bytes, settings.max_bytes)
        self._entries: LRUCache[str, CacheEntry] = LRUCache(settings.max_bytes, _size_bytes)

    async def get(self, key: str, tag: str) -> EncodedResult | None:
        """The cached result of the query with this key, if it is valid under the tag."""
        entry = self._entries.get(key)
        return entry.result if entry is not None and entry.tag == tag else None

    async def put(self, key: str, tag: str, result: EncodedResult) -> None:
        """Store the result unless it is too large."""
        entry = CacheEntry(tag, result)
        if _size_bytes(entry) <= self._max_entry_bytes:
            self._entries[key] = entry


def _size_bytes(entry: CacheEntry) -> int:
    return ENTRY_BYTES + len(entry.result.items)
