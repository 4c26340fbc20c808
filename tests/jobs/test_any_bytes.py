"""Whatever bytes follow a valid header, no line is lost."""

import re
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.imports import ImportOptions
from core.readings import EARLIEST, TimeBounds
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.header import read_header
from jobs.csv_import.numbered_lines import TEXT, numbered_line_batches
from jobs.csv_import.staging import stage
from jobs.csv_import.validation import validate

BLANK = re.compile(r"[^\S\x1c-\x1f]*")  # Unicode's white space; Python adds four separators
OPTIONS = ImportOptions()
BOUNDS = TimeBounds(datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), EARLIEST)
PIECES = [
    b"a", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"\x00", b"\xff", b" ", b"9" * 300, b"1e999",
    b"nan", b"2024-01-01T00:00:00Z", b"2013-11-03 01:00:00.5-05", b"1.5", "é".encode(),
    b"\xef\xbb\xbf",
    b"a,2024-01-01T00:00:00Z,1\n", b'"b",2013-11-03T01:00:00+0530,"2"\n',
]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=60).map(b"".join),
    batch_lines=st.integers(1, 20),
)
def test_every_line_is_a_reading_a_reject_or_blank(
    tmp_path: Path, body: bytes, batch_lines: int
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"equipmentId,timestamp,value\n" + body)
    layout, physical, blank, rows = read_header(path, OPTIONS), 0, 0, 0
    for lines in numbered_line_batches(path, 1, batch_lines):
        validated = validate(split_fields(lines, layout), OPTIONS, BOUNDS)
        staged = stage(validated.readings)
        inside = staged.replaced_within_batch + staged.unchanged_within_batch
        assert staged.rows.height + inside == validated.readings.height
        assert validated.readings.null_count().row(0) == (0, 0, 0)
        physical += lines.height
        blank += sum(BLANK.fullmatch(text or "") is not None for text in lines[TEXT])
        rows += validated.rows_read
    assert physical == body.count(b"\n") + (not body.endswith(b"\n") and body != b"")
    assert rows == physical - blank
