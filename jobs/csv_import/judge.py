"""Which lines of a batch are readings, and why the others are not: vectorised, a reason a line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from core.readings import (
    BAD_TEXT,
    EARLIEST,
    LATEST,
    MAX_EQUIPMENT_ID_CHARACTERS,
    MAX_MAGNITUDE,
    MIN_MAGNITUDE,
    NOT_FINITE,
    NUMBER,
    RejectCode,
    TimeBounds,
)
from core.readings import TIMESTAMP as TIMESTAMP_TEXT
from jobs.csv_import.header import EQUIPMENT_ID, FIELD, TIMESTAMP, VALUE, WANTED
from jobs.csv_import.lines import LINE_NUMBER, TEXT

MAX_SPLIT_COLUMNS = 20  # splitting holds all of them in memory

_MOMENT = f"^{TIMESTAMP_TEXT}$"


class Rule(NamedTuple):
    """A reason to reject a line: the code, the column at fault, the lines it holds for."""

    code: RejectCode
    column: str
    applies: pl.Expr


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """A batch's `readings` (equipment_id, ts, value) and `rejects` (line, code, column, row)."""

    readings: pl.DataFrame
    rejects: pl.DataFrame

    @property
    def rows_read(self) -> int:
        """Every row of the batch; blank lines are none."""
        return self.readings.height + self.rejects.height


def judge(lines: pl.DataFrame, columns: Sequence[str], bounds: TimeBounds) -> JudgedBatch:
    """Split numbered lines at the file's `columns` and judge each."""
    rules = _rules(bounds)
    verdicts = [pl.when(rule.applies).then(number) for number, rule in enumerate(rules)]
    judged = (
        lines.filter(pl.col(TEXT).str.strip_chars() != "")
        .pipe(_with_fields, columns)
        .with_columns(moment=pl.col(TIMESTAMP).str.strip_chars().str.extract_groups(_MOMENT))
        .with_columns(ts=_instant(pl.col("moment").struct.field), number=_number())
        .with_columns(verdict=pl.coalesce(verdicts))
    )
    good = judged.filter(pl.col("verdict").is_null())
    return JudgedBatch(
        good.select(equipment_id=EQUIPMENT_ID, ts="ts", value="number"),
        _rejects(judged.filter(pl.col("verdict").is_not_null()), rules),
    )


def _with_fields(lines: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """With the wanted fields, null in lines that have not as many as there are columns."""
    quoted = lines[TEXT].str.contains('"', literal=True).any()
    if quoted or len(columns) > MAX_SPLIT_COLUMNS:
        fields = pl.col(TEXT).str.extract_groups(_line_pattern(columns))
        wanted = [_unquoted(fields.struct.field(name)) for name in WANTED]
    else:  # several times as fast
        fields = pl.col(TEXT).str.split_exact(",", len(columns))
        parts = [fields.struct.field(f"field_{n}") for n in range(len(columns) + 1)]
        fits = parts[-2].is_not_null() & parts[-1].is_null()
        wanted = [pl.when(fits).then(parts[columns.index(name)]).alias(name) for name in WANTED]
    return lines.with_columns(wanted)


def _line_pattern(columns: Sequence[str]) -> str:
    """Matches a line of as many fields as there are columns, and captures the wanted ones."""
    groups = (f"(?P<{name}>{FIELD})" if name in WANTED else f"(?:{FIELD})" for name in columns)
    return f"^{','.join(groups)}$"


def _unquoted(field: pl.Expr) -> pl.Expr:
    bare = field.str.strip_prefix('"').str.strip_suffix('"')
    return bare.str.replace_all('""', '"', literal=True)


def _instant(part: Callable[[str], pl.Expr]) -> pl.Expr:
    """The moment in UTC of the parts of a timestamp; null where there is no such moment."""
    second = part("second").fill_null("00")
    local = pl.concat_str(
        part("date"), pl.lit("T"), part("minute"), pl.lit(":"), second
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    microseconds = part("fraction").fill_null("").str.pad_end(6, "0").str.head(6)
    west = pl.when(part("sign") == "-").then(1).otherwise(-1)
    hours, minutes = (part(name).fill_null("0").cast(pl.Int64) for name in ("hours", "minutes"))
    instant = local + pl.duration(
        minutes=west * (hours * 60 + minutes), microseconds=microseconds.cast(pl.Int64)
    )
    utc = instant.dt.replace_time_zone("UTC")
    return pl.when(utc.is_between(pl.lit(EARLIEST), pl.lit(LATEST))).then(utc)


def _number() -> pl.Expr:
    """The value, infinite where it is too large for the type; null where it is no number."""
    text = pl.col(VALUE).str.strip_chars()
    return pl.when(text.str.contains(f"^{NUMBER}$")).then(text.cast(pl.Float64, strict=False))


def _rules(bounds: TimeBounds) -> list[Rule]:
    """Every reason, in the order in which they are looked for; the first that applies is told."""
    equipment_id, ts, number = pl.col(EQUIPMENT_ID), pl.col("ts"), pl.col("number")
    written = pl.col(VALUE).str.strip_chars()
    not_zero = written.str.contains("^[^eE]*[1-9]")
    rules = [
        Rule(RejectCode.WRONG_COLUMNS, "", equipment_id.is_null()),
        Rule(RejectCode.MISSING_VALUE, EQUIPMENT_ID, equipment_id.str.strip_chars() == ""),
        Rule(
            RejectCode.TOO_LONG,
            EQUIPMENT_ID,
            equipment_id.str.len_chars() > MAX_EQUIPMENT_ID_CHARACTERS,
        ),
        Rule(RejectCode.BAD_TEXT, EQUIPMENT_ID, equipment_id.str.contains(BAD_TEXT)),
        Rule(RejectCode.MISSING_VALUE, TIMESTAMP, pl.col(TIMESTAMP).str.strip_chars() == ""),
        Rule(RejectCode.BAD_TIMESTAMP, TIMESTAMP, ts.is_null()),
        Rule(RejectCode.TOO_FUTURE, TIMESTAMP, ts > bounds.latest),
        Rule(RejectCode.MISSING_VALUE, VALUE, written == ""),
        Rule(RejectCode.NOT_FINITE, VALUE, written.str.contains(f"^{NOT_FINITE}$")),
        Rule(RejectCode.BAD_NUMBER, VALUE, number.is_null()),
        Rule(
            RejectCode.OUT_OF_RANGE,
            VALUE,
            not_zero & ~number.abs().is_between(MIN_MAGNITUDE, MAX_MAGNITUDE),
        ),
    ]
    if bounds.horizon is not None:
        rules.append(Rule(RejectCode.BELOW_RETENTION, TIMESTAMP, ts < bounds.horizon))
    return rules


def _rejects(rejected: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    codes = dict(enumerate(str(rule.code) for rule in rules))
    columns = dict(enumerate(rule.column for rule in rules))
    return rejected.select(
        LINE_NUMBER,
        code=pl.col("verdict").replace_strict(codes, return_dtype=pl.String),
        column=pl.col("verdict").replace_strict(columns, return_dtype=pl.String),
        row=TEXT,
    )
