"""Options for a file, found in its first lines and tried by the code that imports."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from msgspec.structs import asdict, replace

from core.imports import (
    TIME_OF_DAY,
    TIMESTAMP,
    VALUE,
    HeaderMode,
    Hour24,
    ImportFault,
    ImportOptions,
    TableLayout,
)
from core.readings import TimeBounds
from core.row_warnings import RowWarning, merge_warnings
from jobs.csv_import.detection.cells import decimal_mark, null_values
from jobs.csv_import.detection.roles import Roles, find_roles
from jobs.csv_import.detection.sample import FilePart, first_lines, likely_encoding
from jobs.csv_import.detection.table import Line, Table, find_table
from jobs.csv_import.detection.times import fitting_formats
from jobs.csv_import.detection.trial import Trial, accepted_trial
from jobs.csv_import.numbered_lines import numbered_line_batches
from jobs.csv_import.reject_reasons import END_OF_DAY, MAX_REASONS, describe_rejects
from jobs.errors import FileFaultError

SAMPLE_LINES = 200
MAX_TRIALS = 12

Shorten = Callable[[ImportOptions], ImportOptions]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Options that read a file, and what its first lines are with them."""

    options: ImportOptions
    trial: Trial

    @property
    def columns(self) -> Mapping[str, str]:
        """The file's own names for COLUMNS."""
        return self.trial.source.columns

    @property
    def rows(self) -> int:
        """How many rows there are among the first lines."""
        return self.trial.batch.rows_read

    @property
    def skipped(self) -> int:
        """How many of the rows hold no reading."""
        return self.trial.batch.skipped

    @property
    def rejected(self) -> int:
        """How many of the rows would be rejected."""
        return self.trial.batch.rejects.height

    @property
    def first_rejects(self) -> list[str]:
        """The first of these in words."""
        rejects = self.trial.batch.rejects.head(MAX_REASONS)
        return describe_rejects(rejects, self.trial.source)

    @property
    def warnings(self) -> list[RowWarning]:
        """What the import would warn of."""
        return merge_warnings(self.trial.batch.warnings)

    @property
    def assumes_utc(self) -> bool:
        """Whether timestamps without offset are read as UTC only because nothing is said."""
        return self.trial.assumes_utc

    def first_readings(self, count: int) -> list[tuple[str, datetime, float]]:
        """The first readings."""
        return self.trial.batch.readings.select("equipment_id", "ts", "value").head(count).rows()


def propose_options(source: FilePart, given: ImportOptions, bounds: TimeBounds) -> list[Proposal]:
    """The options with which the fewest first lines are rejected, added to those that are `given`.

    Several, where the file does not tell which is meant; none, where all are.
    Raises FileFaultError or OSError.
    """
    if source.path.suffix.lower() == ".parquet":
        raise _tells_itself()
    given = replace(given, encoding=likely_encoding(source, given))
    with first_lines(source, given) as (sample, _):
        trials = [
            Proposal(options, trial)
            for options in islice(_candidates(sample, given, bounds), MAX_TRIALS)
            if (trial := accepted_trial(sample, options, bounds))
        ]
        fewest = min((proposal.rejected for proposal in trials), default=0)
        best = [proposal for proposal in trials if proposal.rejected == fewest]
        return [_shortened(sample, proposal, given, bounds) for proposal in best]


def _tells_itself() -> FileFaultError:
    return FileFaultError(
        ImportFault.NOT_TEXT,
        "Options are found for text and workbooks. A Parquet file says itself how it is written: "
        "run it dry; if its columns have other names, give these in the option columns.",
    )


def _candidates(sample: Path, given: ImportOptions, bounds: TimeBounds) -> Iterator[ImportOptions]:
    """Everything said, likeliest first."""
    table = find_table(lines_of(sample), given)
    if table is None:
        return
    as_table = _options_of(table, given)
    for roles in find_roles(table, as_table):
        times = _timestamps(table, roles.positions)
        named = _with_columns(table, roles, as_table)
        if any(map(END_OF_DAY.search, times)):
            named = replace(named, hour24=Hour24.NEXT_DAY)
        for time_format in fitting_formats(times, named, bounds):
            yield replace(named, time_format=time_format)


def _with_columns(table: Table, roles: Roles, options: ImportOptions) -> ImportOptions:
    """The options about columns and their values."""
    is_wide = VALUE not in roles.positions
    sensors = roles.sensors if is_wide else [roles.positions[VALUE]]
    values = [cell for position in sensors for cell in table.cells(position)]
    none = [text for text in null_values(values) if text or not is_wide]
    used = {*sensors, *roles.positions.values()}
    return replace(
        options,
        layout=TableLayout.WIDE if is_wide else TableLayout.LONG,
        columns=_columns(table, roles.positions),
        ignore_columns=[name for n, name in enumerate(table.names) if is_wide and n not in used],
        decimal=decimal_mark(values) or options.decimal,
        null_values=options.null_values or none,
    )


def _columns(table: Table, positions: Mapping[str, int]) -> dict[str, str | list[str]]:
    """The names as the option has them: two for a timestamp in two columns."""
    names = {column: table.names[position] for column, position in positions.items()}
    columns: dict[str, str | list[str]] = {
        column: name for column, name in names.items() if column != TIME_OF_DAY
    }
    if TIME_OF_DAY in names:
        columns[TIMESTAMP] = [names[TIMESTAMP], names[TIME_OF_DAY]]
    return columns


def _timestamps(table: Table, positions: Mapping[str, int]) -> list[str]:
    """The timestamps as the import puts them together."""
    dates = table.cells(positions[TIMESTAMP])
    if TIME_OF_DAY not in positions:
        return dates
    return list(map(" ".join, zip(dates, table.cells(positions[TIME_OF_DAY]), strict=True)))


def lines_of(sample: Path) -> list[Line]:
    """The first lines of the sample."""
    lines = next(numbered_line_batches(sample, 0, SAMPLE_LINES), None)
    return [] if lines is None else [Line(number, text or "") for number, text in lines.rows()]


def _options_of(table: Table, given: ImportOptions) -> ImportOptions:
    """The options about delimiter, header and what stands around it."""
    first_row = table.rows[0].number
    return replace(
        given,
        delimiter=table.delimiter,
        comment_prefix=table.comment_prefix,
        header=HeaderMode.DETECT if table.header else HeaderMode.NONE,
        skip_lines=(table.header or first_row) - 1,
        skip_lines_after_header=first_row - table.header - 1 if table.header else 0,
    )


def _shortened(
    sample: Path, proposal: Proposal, given: ImportOptions, bounds: TimeBounds
) -> Proposal:
    """The proposal without options that change nothing."""
    for without in _shorter(proposal.options, given):
        options = without(proposal.options)
        trial = accepted_trial(sample, options, bounds)
        if trial and trial.is_like(proposal.trial):
            proposal = Proposal(options, trial)
    return proposal


def _shorter(options: ImportOptions, given: ImportOptions) -> Iterator[Shorten]:
    """Each leaves one thing out that is not given."""
    # First of all counts of lines, which are right for this one file only.
    names = sorted(
        asdict(options).keys() - {"columns", "encoding"}, key=lambda name: "lines" not in name
    )
    for name in names:
        if getattr(options, name) != getattr(given, name):
            yield partial(replace, **{name: getattr(given, name)})
    if options.header is HeaderMode.DETECT:
        for column in options.columns.keys() - given.columns.keys():
            yield partial(_without_column, column)


def _without_column(column: str, options: ImportOptions) -> ImportOptions:
    return replace(
        options, columns={name: text for name, text in options.columns.items() if name != column}
    )
