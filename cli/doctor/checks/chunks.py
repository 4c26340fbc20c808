"""Chunks: their number and size, the columnstore, space that nothing uses."""

from collections.abc import Iterator
from typing import Any

from cli.doctor.check import Results
from cli.doctor.results import CheckResult, passed, warning
from core.database import Connection
from core.queries import all_rows, queries

MAX_CHUNKS = 2000
MAX_OPENED_CHUNKS = 10
MIN_DEAD_ROWS = 100_000


async def check_sizes(connection: Connection) -> Results:
    """How many chunks there are, and whether the latest fit into memory."""
    for result in size_results(await queries().chunk_sizes(connection)):
        yield result


def size_results(sizes: Any) -> Iterator[CheckResult]:
    """The results for a row of `chunk_sizes`."""
    count = sizes["chunks"]
    latest, buffers = (sizes[name] / 2**20 for name in ("latest_bytes", "buffer_bytes"))
    if count > MAX_CHUNKS:
        yield warning(
            f"chunks: {count:,}",
            "The time in which every query is planned grows with them.",
            "Make the next ones longer: SELECT set_chunk_time_interval('readings', INTERVAL '4 "
            "weeks'); or drop old ones: SELECT drop_chunks('readings', older_than => ...);",
        )
    if latest > buffers:
        yield warning(
            f"chunks: the latest two have {latest:,.0f} MiB, shared_buffers {buffers:,.0f} MiB",
            "Writes go to the latest chunks; what is not in memory is read from disk each time.",
            "Raise shared_buffers to a quarter of the memory, or make chunks shorter: SELECT "
            "set_chunk_time_interval('readings', INTERVAL '1 day');",
        )
    if count <= MAX_CHUNKS and latest <= buffers:
        yield passed(
            f"chunks: {count:,}; the latest two have {latest:,.0f} MiB of {buffers:,.0f} MiB "
            "shared_buffers"
        )


async def check_columnstore(connection: Connection) -> Results:
    """Chunks that should be compressed by now."""
    debt = await queries().compression_debt(connection)
    if debt["overdue"]:
        yield warning(
            f"columnstore: {debt['overdue']} chunks should be compressed, the oldest from "
            f"{debt['first_start']:%Y-%m-%d}",
            "They take about ten times the space, and are slower to read.",
            "See jobs here; a worker compresses them too (chunk_overdue in its log).",
        )
    if debt["opened"] > MAX_OPENED_CHUNKS:
        yield warning(
            f"columnstore: {debt['opened']} chunks were written to and wait to be compressed again",
            "What is beside the columnstore takes more space, and is slower to read.",
            "A worker compresses them each minute: see its log (chunk_in_use).",
        )
    if not debt["overdue"] and debt["opened"] <= MAX_OPENED_CHUNKS:
        yield passed("columnstore: every chunk that should be is compressed")


async def check_unused_space(connection: Connection) -> Results:
    """Tables of which most rows are dead."""
    tables = await all_rows(queries().unused_space, connection, min_rows=MIN_DEAD_ROWS)
    for table in tables:
        vacuumed = f"{table['vacuumed_at']:%Y-%m-%d %H:%M} UTC" if table["vacuumed_at"] else "never"
        yield warning(
            f"{table['name']}: {table['dead']:,} dead rows, {table['live']:,} live ones; last "
            f"vacuum: {vacuumed}",
            "Dead rows take space and slow down every scan of the table.",
            f"As the owner: VACUUM {table['name']}; if it frees nothing, see transactions here. "
            "See that autovacuum is on.",
        )
    if not tables:
        yield passed("unused space: no table has more dead rows than live ones")
