"""One set of rows in every form that a file may have, with the options that say so."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import zstandard

from core.imports import Delimiter, Encoding, HeaderMode, ImportOptions
from tests.jobs.load_model import Row
from tests.support.workbooks import archive, workbook

Fields = tuple[str, str, str]

ROWS = [
    Row((f"Pümpe {n % 2}", f"2024-01-01T00:0{n}:00+00:00"), n + 0.5, bad=n % 3 == 1)
    for n in range(8)
]


def fields_of(row: Row) -> Fields:
    assert row.key is not None
    return (*row.key, "x" if row.bad else str(row.value))


def encoded(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


@dataclass(frozen=True)
class Form:
    """How a file is written.

    `line` writes a row, `lines` puts lines above or between the rows, whose `numbers` are then
    these, and `pack` makes the file of all lines.
    """

    lines: Callable[[list[str]], list[str]]
    numbers: list[int]
    line: Callable[[Fields], str] = ",".join
    pack: Callable[[list[str]], bytes] = encoded
    extension: str = ".csv"
    options: ImportOptions = field(default_factory=ImportOptions)

    def content(self, rows: list[Row]) -> bytes:
        return self.pack(self.lines([self.line(fields_of(row)) for row in rows]))


def from_line(first: int) -> list[int]:
    return list(range(first, first + len(ROWS)))


def below(*above: str) -> Callable[[list[str]], list[str]]:
    """The rows below these lines."""
    return lambda rows: [*above, *rows]


def options(**given: Any) -> ImportOptions:
    return ImportOptions(**given)


def trailing(fields: Fields) -> str:
    return ",".join(fields) + ","


def quoted_and_trailing(fields: Fields) -> str:
    return ",".join(f'"{field}"' for field in fields) + ","


def annotated(fields: Fields) -> str:
    equipment_id, ts, value = fields
    return f",,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,{ts},{value},temp,{equipment_id}"


def toa5(fields: Fields) -> str:
    equipment_id, ts, value = fields
    return f'"{ts}",{value},"{equipment_id}"'


INFLUX = [
    "#group,false,false,true,true,false,false,true,true",
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string",
    "#default,_result,,,,,,,",
    ",result,table,_start,_stop,_time,_value,_field,room",
]
TOA5 = [
    '"TOA5","st1","CR1000","1234","CR1000.Std","CPU:a.CR1","1","Tbl"',
    '"TIMESTAMP","T_C_Avg","Probe"',
    '"TS","degC",""',
    '"","Avg","Smp"',
]


def packed_by(
    pack: Callable[[bytes], bytes], codec: str = "utf-8", end: str = "\n"
) -> Callable[[list[str]], bytes]:
    return lambda lines: pack("".join(line + end for line in lines).encode(codec))


def zipped(content: bytes) -> bytes:
    return archive({"export/": "", "../../etc/Ä.CSV": content, "__MACOSX/export/._a.csv": b"\0"})


def as_workbook(lines: list[str]) -> bytes:
    """Cells of text, and of numbers where a field is one."""
    rows = [list(map(cell, line.split(","))) if line else [] for line in lines]
    return workbook(rows, [["another sheet"]])


def cell(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


LINE_FORMS = {
    "plain": Form(below("sensor,time,value"), from_line(2)),
    "lines above the header": Form(
        below("Station: t04", "Logger S/N: 77", "", "sensor,time,value"), from_line(5)
    ),
    "a title padded with delimiters": Form(
        below("Report,,", ",,", "sensor,time,value"), from_line(4)
    ),
    "lines that the options skip": Form(
        below("sensor,time,value", "a,2024-01-01T00:00:00Z,1", "sensor,time,value"),
        from_line(4),
        options=options(skip_lines=2),
    ),
    "comments everywhere": Form(
        lambda rows: [
            "# made by",
            *INFLUX[:1],
            "sensor,time,value",
            *rows[:3],
            " # gap",
            *rows[3:],
        ],
        [4, 5, 6, *range(8, 13)],
        options=options(comment_prefix="#"),
    ),
    "a line that declares the separator": Form(
        below("sep=;", "sensor;time;value"), from_line(3), ";".join
    ),
    "pipes": Form(below("sensor|time|value"), from_line(2), "|".join),
    "no header": Form(
        below(),
        from_line(1),
        lambda fields: ";".join([fields[1], "note", fields[0], fields[2]]),
        options=options(
            header=HeaderMode.NONE,
            columns={"equipmentId": "3", "timestamp": "1", "value": "4"},
        ),
    ),
    "no header, below what the options skip, separated by pipes": Form(
        below("a title", "", "# a comment"),
        from_line(4),
        "|".join,
        options=options(
            header=HeaderMode.NONE,
            columns={"equipmentId": "1", "timestamp": "2", "value": "3"},
            delimiter=Delimiter.PIPE,
            skip_lines=1,
            comment_prefix="#",
        ),
    ),
    "units below the header": Form(
        below("sensor,time,value", "-,UTC,degC"),
        from_line(3),
        options=options(skip_lines_after_header=1),
    ),
    "a delimiter at the end of rows alone": Form(
        below("sensor,time,value"), from_line(2), trailing
    ),
    "a delimiter at the end of quoted rows alone": Form(
        below("sensor,time,value"), from_line(2), quoted_and_trailing
    ),
    "annotated CSV of InfluxDB": Form(
        below(*INFLUX),
        from_line(5),
        annotated,
        options=options(comment_prefix="#", columns={"equipmentId": "room"}),
    ),
    "TOA5 of Campbell loggers": Form(
        below(*TOA5),
        from_line(5),
        toa5,
        options=options(
            skip_lines=1,
            skip_lines_after_header=2,
            columns={"equipmentId": "Probe", "value": "T_C_Avg"},
        ),
    ),
    "text in .tsv": Form(below("sensor\ttime\tvalue"), from_line(2), "\t".join, extension=".tsv"),
    "CSV in .txt": Form(below("sensor,time,value"), from_line(2), extension=".txt"),
}

WINDOWS = options(encoding=Encoding.WINDOWS_1252)
PLAIN = below("sensor,time,value", "")

PACKED_FORMS = {
    "lines ended by CR": Form(PLAIN, from_line(3), pack=packed_by(bytes, end="\r")),
    "lines ended by CRLF": Form(PLAIN, from_line(3), pack=packed_by(bytes, end="\r\n")),
    "UTF-8 with a byte order mark": Form(PLAIN, from_line(3), pack=packed_by(bytes, "utf-8-sig")),
    "UTF-16 with a byte order mark": Form(
        PLAIN, from_line(3), pack=packed_by(bytes, "utf-16", "\r\n"), options=WINDOWS
    ),
    "big-endian UTF-16 with a byte order mark": Form(
        below("\ufeffsensor,time,value", ""), from_line(3), pack=packed_by(bytes, "utf-16-be")
    ),
    "UTF-16 by option": Form(
        PLAIN,
        from_line(3),
        pack=packed_by(bytes, "utf-16-le", "\r"),
        options=options(encoding=Encoding.UTF_16),
    ),
    "Windows-1252 by option": Form(
        PLAIN, from_line(3), pack=packed_by(bytes, "cp1252"), options=WINDOWS
    ),
    "compressed UTF-16 in .txt.gz": Form(
        PLAIN, from_line(3), pack=packed_by(gzip.compress, "utf-16"), extension=".txt.gz"
    ),
    "compressed text in .tsv.zst": Form(
        PLAIN, from_line(3), pack=packed_by(zstandard.compress, end="\r"), extension=".tsv.zst"
    ),
    "an archive": Form(PLAIN, from_line(3), pack=packed_by(zipped), extension=".zip"),
    "an archive of Windows-1252 with lines ended by CR": Form(
        PLAIN,
        from_line(3),
        pack=packed_by(zipped, "cp1252", "\r"),
        extension=".zip",
        options=WINDOWS,
    ),
    "a workbook": Form(PLAIN, from_line(3), pack=as_workbook, extension=".xlsx", options=WINDOWS),
    "a workbook with a title and units": Form(
        below("Report of t04", "", "sensor,time,value", "-,UTC,degC"),
        from_line(5),
        pack=as_workbook,
        extension=".xlsx",
        options=options(skip_lines_after_header=1),
    ),
}

FORMS = LINE_FORMS | PACKED_FORMS
