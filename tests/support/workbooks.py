"""Workbooks as Excel writes them, and such as nobody should."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import TypeAlias
from xml.sax.saxutils import escape

Cell: TypeAlias = str | float | datetime | time | bool | None

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  # cells have no zone
A_DATE = 1  # the place of the style of dates and times

STYLES = (
    f'<styleSheet xmlns="{SPREADSHEET}"><fonts count="1"><font/></fonts><fills count="1"><fill/>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def workbook(*sheets: Sequence[Sequence[Cell]], hidden: Iterable[int] = ()) -> bytes:
    """A workbook with these rows in its sheets; those of the numbers `hidden` are not shown."""
    return packed([sheet_xml(rows) for rows in sheets], set(hidden))


def sheet_xml(rows: Sequence[Sequence[Cell]]) -> str:
    cells = (
        f'<row r="{number}">{"".join(_cell(number, n, cell) for n, cell in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    return worksheet("".join(cells))


def worksheet(rows: str) -> str:
    return f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{rows}</sheetData></worksheet>'


def _cell(row: int, column: int, cell: Cell) -> str:
    place = f'r="{chr(65 + column)}{row}"'
    match cell:
        case None:
            return ""
        case bool():
            return f'<c {place} t="b"><v>{int(cell)}</v></c>'
        case str():
            text = f'<is><t xml:space="preserve">{escape(cell)}</t></is>'
            return f'<c {place} t="inlineStr">{text}</c>'
        case datetime():
            days = (cell - EXCEL_EPOCH).total_seconds() / 86_400
            return f'<c {place} s="{A_DATE}"><v>{days!r}</v></c>'
        case time():
            days = (cell.hour * 60 + cell.minute) / 1_440
            return f'<c {place} s="{A_DATE}"><v>{days!r}</v></c>'
        case _:
            return f"<c {place}><v>{cell!r}</v></c>"


def packed(sheets: Sequence[str], hidden: set[int] = frozenset()) -> bytes:  # type: ignore[assignment]
    numbers = range(1, len(sheets) + 1)
    names = "".join(
        f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"{_state(n in hidden)}/>' for n in numbers
    )
    targets = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/s{n}.xml"/>'
        for n in numbers
    )
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE_RELATIONS}"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONS}">'
        f"<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE_RELATIONS}">'
        f"{targets}</Relationships>",
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/s{n}.xml": xml for n, xml in zip(numbers, sheets, strict=True)},
    }
    return archive(parts)


def _state(is_hidden: bool) -> str:
    return ' state="hidden"' if is_hidden else ""


def archive(entries: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of these entries, compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()
