"""The time buckets of a query, and the rows that they are computed from."""

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
class SourceRange:
    """The rows of a source in a span that splits none of the source's own buckets."""

    source: Source
    span: TimeRange


@dataclass(frozen=True, slots=True)
class EvenBoundaries(Sequence[datetime]):
    """Multiples of the width since the epoch, each computed on access."""

    width: timedelta
    multiples: range

    def __len__(self) -> int:
        return len(self.multiples)

    @overload
    def __getitem__(self, index: int) -> datetime: ...

    @overload
    def __getitem__(self, index: slice) -> "EvenBoundaries": ...

    def __getitem__(self, index: int | slice) -> "datetime | EvenBoundaries":
        if isinstance(index, slice):
            return EvenBoundaries(self.width, self.multiples[index])
        return EPOCH + self.multiples[index] * self.width


@dataclass(frozen=True, slots=True)
class Buckets:
    """Adjacent buckets: every boundary starts one, except the last, which only ends one.

    A single boundary means no bucket. `source` is the coarsest source that separates the buckets,
    apart from hours with a boundary inside; `are_rows` is true if each bucket is a row of it.
    """

    boundaries: Sequence[datetime]
    source: Source
    are_rows: bool

    @property
    def span(self) -> TimeRange:
        """From the start of the first bucket to the end of the last."""
        return TimeRange(self.boundaries[0], self.boundaries[-1])

    @property
    def cut_hours(self) -> list[datetime]:
        """The UTC hours with a boundary inside, which no rollup can divide between buckets."""
        if self.source is Source.READINGS:
            return []
        hours = ((boundary, floor(boundary, HOUR)) for boundary in self.boundaries)
        return sorted({hour for boundary, hour in hours if boundary != hour})

    @property
    def edges(self) -> list[TimeRange]:
        """The parts of the cut hours that lie in the buckets, adjacent ones merged."""
        edges: list[TimeRange] = []
        for hour in self.cut_hours:
            start, stop = max(hour, self.boundaries[0]), min(hour + HOUR, self.boundaries[-1])
            if edges and edges[-1].end == start:
                start = edges.pop().start
            edges.append(TimeRange(start, stop))
        return edges

    @property
    def source_range(self) -> SourceRange:
        """What may be read from the source; the cut hours in it are to be left out."""
        if self.source is Source.READINGS:
            return SourceRange(self.source, self.span)
        return SourceRange(self.source, _whole(self.span, HOUR))

    @property
    def raw_length(self) -> timedelta:
        """The total length of the ranges in which readings must be read."""
        edges = [self.span] if self.source is Source.READINGS else self.edges
        return sum((edge.length for edge in edges), timedelta())

    def lengths_seconds(self) -> dict[int, int]:
        """The length of each bucket, by the Unix second of its start."""
        boundaries = map(_unix_seconds, self.boundaries)
        return {start: stop - start for start, stop in pairwise(boundaries)}

    def index_of(self, start_seconds: int) -> int:
        """The index of the first bucket that starts at this Unix second or later."""
        return bisect_left(self.boundaries, start_seconds, key=_unix_seconds)

    def between(self, first: int, last: int) -> "Buckets":
        """The buckets with indexes from `first` up to but not including `last`."""
        return replace(self, boundaries=self.boundaries[first : last + 1])

    def starting_between(self, first_seconds: int, last_seconds: int) -> "Buckets":
        """The buckets that start between two Unix seconds, both included."""
        first = min(self.index_of(first_seconds), len(self.boundaries) - 1)
        return self.between(first, self.index_of(last_seconds + 1))

    def source_ranges(self) -> Iterator[SourceRange]:
        """Ranges that together hold all readings in the buckets, in as few rows as possible."""
        if self.source is Source.READINGS:
            yield SourceRange(Source.READINGS, self.span)
        else:
            yield from _source_ranges(self.span, ((Source.DAYS, DAY), (Source.HOURS, HOUR)))


def _source_ranges(
    span: TimeRange, sources: tuple[tuple[Source, timedelta], ...]
) -> Iterator[SourceRange]:
    """The span in whole buckets of the first source, its ends in those of the finer ones."""
    if span.start >= span.end:
        return
    if not sources:
        yield SourceRange(Source.READINGS, span)
        return
    (source, width), *finer = sources
    whole = _whole(span, width)
    if whole.start >= whole.end:
        yield from _source_ranges(span, tuple(finer))
        return
    yield from _source_ranges(TimeRange(span.start, whole.start), tuple(finer))
    yield SourceRange(source, whole)
    yield from _source_ranges(TimeRange(whole.end, span.end), tuple(finer))


def _whole(span: TimeRange, width: timedelta) -> TimeRange:
    """The longest range within the span whose ends are multiples of the width."""
    return TimeRange(ceiling(span.start, width), floor(span.end, width))


def _unix_seconds(timestamp: datetime) -> int:
    return round(timestamp.timestamp())
