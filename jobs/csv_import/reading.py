"""The lines of a file, judged batch by batch."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from core.readings import TimeBounds
from jobs.csv_import.header import read_header
from jobs.csv_import.judge import JudgedBatch, judge
from jobs.csv_import.lines import LINE_NUMBER, numbered_batches
from jobs.csv_import.repository import Claim
from jobs.csv_import.work import ImportWork

HEADER_LINES = 1


@dataclass(frozen=True, slots=True)
class JudgedLines:
    """A batch and where it stands in the file."""

    first_line: int
    last_line: int
    judged: JudgedBatch


async def judged_lines(work: ImportWork, claim: Claim, path: Path) -> AsyncGenerator[JudgedLines]:
    """The lines that no earlier attempt has committed, each batch read and judged in a thread.

    Raises FileFaultError when the file cannot be read.
    """
    layout = await to_thread(read_header, path, claim.options)
    lines_done = max(claim.lines_done, HEADER_LINES)
    batches = numbered_batches(path, lines_done, work.batch_lines)
    while (lines := await to_thread(next, batches, None)) is not None:
        # By the moment the import began, so that a repeated attempt comes to the same verdicts.
        horizon = await work.imports.horizon()
        bounds = TimeBounds.at(claim.started_at, work.readings.max_future, horizon)
        judged = await to_thread(judge, lines, layout, claim.options, bounds)
        yield JudgedLines(lines[LINE_NUMBER][0], lines[LINE_NUMBER][-1], judged)
