"""The beginning of a file: its lines as they are, its columns, and what it is with the options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from core.import_previews import PreviewSample, PreviewTable
from core.imports import COLUMNS, HeaderMode, ImportOptions
from core.readings import TimeBounds
from jobs.csv_import.detection.proposals import lines_of
from jobs.csv_import.detection.sample import FilePart, first_lines
from jobs.csv_import.detection.table import find_table
from jobs.csv_import.detection.trial import ALL_LINES, Trial, try_options
from jobs.csv_import.head import read_head
from jobs.csv_import.layout import split_line
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT, numbered_line_batches
from jobs.csv_import.parquet_file import column_names, open_parquet
from jobs.csv_import.preview.outcomes import MAX_CELLS
from jobs.csv_import.row_batches import RowSource
from jobs.errors import FileFaultError

MAX_TEXT_BYTES = 2**20
MAX_PARQUET_ROWS = 20_000
MAX_INFLATED_BYTES = 2**32
MAX_LINE_CHARACTERS = 10_000
MAX_CELL_CHARACTERS = 200  # of a name the most that an option may have

UNREADABLE = PreviewSample(text_bytes=0, lines=0, is_whole=False)


@dataclass(frozen=True, slots=True)
class SampledFile:
    """The `texts` of lines by number, and either the `trial` of the options or a `fault`.

    `positions` are those of the cells of a line among the columns of the table, if some are left
    out.
    """

    sample: PreviewSample
    texts: Mapping[int, str]
    table: PreviewTable | None = None
    trial: Trial | None = None
    fault: FileFaultError | None = None
    positions: Sequence[int] = ()

    @property
    def lines_above(self) -> int:
        """How many lines are above the first that may be a row; a Parquet file has none."""
        return self.trial.source.layout.lines_above if self.trial and not self.positions else 0

    def line(self, number: int) -> tuple[int, str, list[str]]:
        """The line's number, text and cells, cut if they are long."""
        text = self.texts.get(number, "")[:MAX_LINE_CHARACTERS]
        cells = split_line(text, self.table.delimiter) if self.table else []
        if self.table and self.positions and cells:
            placed = dict(zip(self.positions, cells, strict=True))
            cells = [placed.get(position, "") for position in range(len(self.table.columns))]
        return number, text, _cut(cells[:MAX_CELLS])


def _cut(texts: Sequence[str]) -> list[str]:
    return [text[:MAX_CELL_CHARACTERS] for text in texts]


def sampled_text(source: FilePart, options: ImportOptions, bounds: TimeBounds) -> SampledFile:
    """The first lines of a text file, or of what makes one. Raises FileFaultError if none does."""
    with first_lines(source, options, MAX_TEXT_BYTES) as (path, is_whole):
        texts = _texts(path)
        sample = PreviewSample(text_bytes=path.stat().st_size, lines=len(texts), is_whole=is_whole)
        try:
            trial = try_options(path, options, bounds)
        except FileFaultError as fault:
            return SampledFile(sample, texts, _likely_table(path, options), fault=fault)
        return SampledFile(sample, texts, _table(path, trial.source), trial)


def _texts(path: Path) -> dict[int, str]:
    batches = numbered_line_batches(path, 0, ALL_LINES)
    return {number: text or "" for lines in batches for number, text in lines.rows()}


def _likely_table(path: Path, options: ImportOptions) -> PreviewTable | None:
    """The columns that a person may choose from, if the lines look like a table."""
    table = find_table(lines_of(path), options)
    if table is None:
        return None
    return PreviewTable(
        header_line=table.header or None, delimiter=table.delimiter, columns=_cut(table.names)
    )


def _table(path: Path, source: RowSource) -> PreviewTable:
    layout, options = source.layout, source.options
    header_line, columns = None, [str(number) for number in range(1, layout.width + 1)]
    if options.header is HeaderMode.DETECT:
        header_line = layout.lines_above - options.skip_lines_after_header
        head = read_head(path, options)
        text = next(line.text for line in head.lines if line.number == header_line)
        columns = split_line(text, layout.delimiter)
    return PreviewTable(
        header_line=header_line,
        delimiter=layout.delimiter,
        columns=_cut(columns),
        mapping=dict(layout.names),
        sensors={sensor.name: sensor.equipment_id for sensor in layout.sensors},
    )


def sampled_parquet(source: FilePart, options: ImportOptions, bounds: TimeBounds) -> SampledFile:
    """The first rows of a Parquet file. Raises FileFaultError if it is none."""
    names = column_names(source.path)
    table = PreviewTable(header_line=None, delimiter=",", columns=_cut(names))
    try:
        rows = open_parquet(source.path, options, 0, MAX_PARQUET_ROWS, MAX_INFLATED_BYTES)
        trial = Trial.of(rows, [batch.frame for batch in islice(rows.batches, 1)], bounds)
        is_whole = next(rows.batches, None) is None
    except FileFaultError as fault:
        return SampledFile(UNREADABLE, {}, table, fault=fault)
    texts = dict(trial.rows.select(LINE_NUMBER, TEXT).iter_rows())
    sample = PreviewSample(
        text_bytes=sum(map(len, texts.values())), lines=len(texts), is_whole=is_whole
    )
    mapped = replace(table, mapping=dict(rows.columns))
    positions = [names.index(rows.columns[column]) for column in COLUMNS]
    return SampledFile(sample, texts, mapped, trial, positions=positions)
