"""The buckets of an answer, and the rows that they are put together from."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import overload

from core.time import DAY, EPOCH, HOUR, TimeRange, ceiling, floor


class Source(StrEnum):
    """A relation of the view `measured`: a rollup, or the readings themselves."""

    READINGS = "raw"
    HOURS = "1h"
    DAYS = "1d"


@dataclass(frozen=True, slots=True)
class Part:
    """Every row of a source that lies in the span; no bucket of the source is cut by its ends."""

    source: Source
    span: TimeRange


@dataclass(frozen=True, slots=True)
class EvenBorders(Sequence[datetime]):
    """Multiples of the width since the epoch, each made when it is asked for."""

    width: timedelta
    multiples: range

    def __len__(self) -> int:
        return len(self.multiples)

    @overload
    def __getitem__(self, place: int) -> datetime: ...

    @overload
    def __getitem__(self, place: slice) -> "EvenBorders": ...

    def __getitem__(self, place: int | slice) -> "datetime | EvenBorders":
        if isinstance(place, slice):
            return EvenBorders(self.width, self.multiples[place])
        return EPOCH + self.multiples[place] * self.width


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets that meet: each border begins one, but the last, which only ends one.

    One border alone stands for no bucket. `source` is the coarsest that tells them apart, but for
    the hours with a border inside; `are_rows` says that each bucket is a row of it.
    """

    borders: Sequence[datetime]
    source: Source
    are_rows: bool

    @property
    def span(self) -> TimeRange:
        """All of it."""
        return TimeRange(self.borders[0], self.borders[-1])

    @property
    def cut_hours(self) -> list[datetime]:
        """The UTC hours with a border inside: the rollups do not tell their parts apart."""
        if self.source is Source.READINGS:
            return []
        cut = {floor(border, HOUR) for border in self.borders if border != floor(border, HOUR)}
        return sorted(cut)

    @property
    def edges(self) -> list[TimeRange]:
        """What of the cut hours lies in the buckets, neighbours put together."""
        edges: list[TimeRange] = []
        for hour in self.cut_hours:
            start, stop = max(hour, self.borders[0]), min(hour + HOUR, self.borders[-1])
            if edges and edges[-1].end == start:
                start = edges.pop().start
            edges.append(TimeRange(start, stop))
        return edges

    @property
    def whole(self) -> Part:
        """What may be read from the source, apart from the cut hours."""
        if self.source is Source.READINGS:
            return Part(self.source, self.span)
        return Part(self.source, _whole(self.span, HOUR))

    @property
    def raw_length(self) -> timedelta:
        """Over how long readings must be read."""
        edges = [self.span] if self.source is Source.READINGS else self.edges
        return sum((edge.length for edge in edges), timedelta())

    def seconds(self) -> dict[int, int]:
        """How long each bucket is, by the Unix second of its start."""
        moments = map(_unix_seconds, self.borders)
        return {start: stop - start for start, stop in pairwise(moments)}

    def index_of(self, start_seconds: int) -> int:
        """The first bucket that starts at this Unix second or later, as an index."""
        return bisect_left(self.borders, start_seconds, key=_unix_seconds)

    def between(self, first: int, last: int) -> "Buckets":
        """The buckets from one index on and before another."""
        return replace(self, borders=self.borders[first : last + 1])

    def holding(self, first_seconds: int, last_seconds: int) -> "Buckets":
        """Those that start between two Unix seconds, both counted in."""
        first = min(self.index_of(first_seconds), len(self.borders) - 1)
        return self.between(first, self.index_of(last_seconds + 1))

    def parts(self) -> Iterator[Part]:
        """All rows that lie in the buckets, from as few rows as possible."""
        if self.source is Source.READINGS:
            yield Part(Source.READINGS, self.span)
        else:
            yield from _parts(self.span, ((Source.DAYS, DAY), (Source.HOURS, HOUR)))


def _parts(span: TimeRange, sources: tuple[tuple[Source, timedelta], ...]) -> Iterator[Part]:
    """The span as whole buckets of the first source, and its ends by those that are finer."""
    if span.start >= span.end:
        return
    if not sources:
        yield Part(Source.READINGS, span)
        return
    (source, width), *finer = sources
    whole = _whole(span, width)
    if whole.start >= whole.end:
        yield from _parts(span, tuple(finer))
        return
    yield from _parts(TimeRange(span.start, whole.start), tuple(finer))
    yield Part(source, whole)
    yield from _parts(TimeRange(whole.end, span.end), tuple(finer))


def _whole(span: TimeRange, width: timedelta) -> TimeRange:
    return TimeRange(ceiling(span.start, width), floor(span.end, width))


def _unix_seconds(moment: datetime) -> int:
    return round(moment.timestamp())
