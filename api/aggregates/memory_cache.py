from typing import NamedTuple

from cachetools import LRUCache

from api.aggregates.encoding import Finding
from core.settings import CacheSettings

ENTRY_BYTES = 1_000  # what an entry takes beside its items


class Kept(NamedTuple):
    """A finding and the entity tag under which it holds."""

    tag: str
    finding: Finding


class MemoryKeep:
    """Findings in this process; what nobody has asked for the longest makes room."""

    def __init__(self, settings: CacheSettings) -> None:
        self._most_bytes = min(settings.max_answer_bytes, settings.max_bytes)
        self._kept: LRUCache[str, Kept] = LRUCache(settings.max_bytes, _size_bytes)

    async def get(self, query: str, tag: str) -> Finding | None:
        """What is kept of the query, if it holds under the tag."""
        kept = self._kept.get(query)
        return kept.finding if kept is not None and kept.tag == tag else None

    async def put(self, query: str, tag: str, finding: Finding) -> None:
        """Keep it, unless it is too large."""
        kept = Kept(tag, finding)
        if _size_bytes(kept) <= self._most_bytes:
            self._kept[query] = kept


def _size_bytes(kept: Kept) -> int:
    return ENTRY_BYTES + len(kept.finding.items)
