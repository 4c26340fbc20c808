"""The header determines the layout of the lines, or why the file is refused."""

import re
from pathlib import Path

import pytest

from core.imports import Delimiter, HeaderMode, ImportOptions, TableLayout
from jobs.csv_import.header import read_header
from jobs.csv_import.layout import Layout
from jobs.errors import FileFaultError


def layout(path: Path, header: str, **options: object) -> Layout:
    path.write_text(header + "\nx")
    return read_header(path, ImportOptions(**options))  # type: ignore[arg-type]  # any of them


def fault(path: Path, header: str, **options: object) -> FileFaultError:
    with pytest.raises(FileFaultError) as refused:
        layout(path, header, **options)
    return refused.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


@pytest.mark.parametrize(
    "header",
    [
        "equipmentId,timestamp,value",
        "equipment_id,time,reading",
        "Sensor,TS,Value",
        " DEVICE , Time , READING ",
        '"device","time","reading"',
        "\ufeffequipmentid,TIMESTAMP,VALUE\r",
        "equipmentId;timestamp;value",
        '"equipmentId"\ttimestamp\tvalue',
    ],
)
def test_each_column_is_known_by_any_of_its_names(path: Path, header: str) -> None:
    parsed = layout(path, header)
    assert (parsed.width, list(parsed.positions.values())) == (3, [0, 1, 2])


@pytest.mark.parametrize("delimiter", Delimiter)
def test_the_delimiter_is_the_one_between_the_columns(path: Path, delimiter: Delimiter) -> None:
    header = delimiter.join(['"a,;\tb|"', "value", "", "ts", "device"])
    positions = {"equipmentId": 4, "timestamp": 3, "value": 1}
    assert layout(path, header) == Layout(delimiter, 5, positions)
    assert layout(path, header, delimiter=delimiter) == Layout(delimiter, 5, positions)
    for other in set(Delimiter) - {delimiter}:
        assert fault(path, header, delimiter=other).code == "missing_header"


def test_a_column_may_have_any_name_that_the_options_give(path: Path) -> None:
    columns = {"timestamp": "Measured, at", "value": "time"}
    parsed = layout(path, 'time,"Measured, at",Value,sensor', columns=columns)
    assert parsed.positions == {"equipmentId": 3, "timestamp": 1, "value": 0}


def test_a_delimiter_that_leaves_text_behind_a_quote_is_not_the_files(path: Path) -> None:
    header = '"time"\t"T ""1"""\thum %\t1;5'
    parsed = layout(path, header, layout=TableLayout.WIDE)
    assert (parsed.delimiter, parsed.width) == ("\t", 4)
    assert layout(path, '"sensor" ;time;value').positions["timestamp"] == 1


def test_a_name_that_the_options_give_counts_exactly(path: Path) -> None:
    assert layout(path, "ID,id,ts,value", columns={"equipmentId": "id"}).positions["value"] == 3
    refused = fault(path, "ID,ts,value", columns={"equipmentId": "id"})
    assert refused.code == "missing_header"
    assert "id, timestamp, value" in refused.message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("equipmentId,sensor,ts,value", "equipmentId: equipmentId, sensor."),
        ("device,ts,TIME,value", "timestamp: ts, TIME."),
        ("device,ts,value,Value,reading", "value: value, Value, reading."),
    ],
)
def test_two_names_of_one_column_are_refused_and_the_options_decide(
    path: Path, header: str, message: str
) -> None:
    refused = fault(path, header)
    assert refused.code == "ambiguous_header"
    assert message in refused.message
    assert "option columns" in refused.message
    names = header.split(",")
    chosen = {"equipmentId": names[0], "timestamp": "ts", "value": "value"}
    assert layout(path, header, columns=chosen).positions["value"] == names.index("value")


def test_a_missing_column_is_refused_with_what_to_do(path: Path) -> None:
    refused = fault(path, "a;b;c", delimiter=Delimiter.SEMICOLON)
    assert refused.code == "missing_header"
    assert "equipmentId, timestamp, value" in refused.message
    assert "semicolons" in refused.message
    assert "option columns" in refused.message


NAMES = "sensor,time,value"


@pytest.mark.parametrize(
    ("lines", "options", "lines_above"),
    [
        (["", "  ", NAMES], {}, 3),
        (["Station: t04", "Logger S/N: 77", "", NAMES], {}, 4),
        (["title"] * 49 + [NAMES], {}, 50),
        ([""] * 200 + ["title"] * 49 + [NAMES], {}, 250),
        (["# note"] * 200 + [NAMES], {"comment_prefix": "#"}, 201),
        ([NAMES, "a,2024-01-01T00:00:00Z,1", NAMES], {}, 1),
        (["a,b,c", NAMES, "x"], {"skip_lines": 1}, 2),
        (["a,b,c", "", NAMES, "x"], {"skip_lines": 1}, 3),
        (["x" * 100_000, NAMES], {"skip_lines": 1}, 2),
        ([NAMES, "s,UTC,°C", ""], {"skip_lines_after_header": 2}, 3),
        (["sep=,", NAMES], {}, 2),
        (['"SEP=,"', "", NAMES], {}, 3),
        (["sep=;", NAMES], {"delimiter": Delimiter.COMMA}, 2),
        (["sep=;", NAMES], {"delimiter": Delimiter.COMMA, "skip_lines": 1}, 2),
        (["Report,,", ",,", "of t04,,1", NAMES], {}, 4),
    ],
)
def test_the_header_is_found_below_other_lines(
    path: Path, lines: list[str], options: dict[str, object], lines_above: int
) -> None:
    found = layout(path, "\n".join(lines), **options)
    assert (found.delimiter, found.width, found.lines_above) == (",", 3, lines_above)


@pytest.mark.parametrize(
    ("lines", "options", "code", "remedy"),
    [
        (["title"] * 50 + [NAMES], {}, "missing_header", "with skipLines how many"),
        (
            ["title", NAMES, "x", NAMES],
            {},
            "ambiguous_header",
            "lines 2, 4 all.*line 1 is 'title'.*skipLines=1 for",
        ),
        (["title", "a,b,c", NAMES], {}, "ambiguous_header", "line 2 above it.*skipLines=2"),
        ([NAMES, "x"], {"skip_lines": 1}, "missing_header", "says that line 2 is the header"),
        ([NAMES], {"skip_lines": 2}, "empty_file", "nothing below line 2"),
        (["#a"], {"comment_prefix": "#"}, "missing_header", "x'"),
        (["sep=;", NAMES], {}, "missing_header", "with commas: set delimiter=,"),
        ([NAMES], {"delimiter": Delimiter.TAB}, "missing_header", "commas: set delimiter=,"),
        ([NAMES.replace(",", "\t")], {"delimiter": ","}, "missing_header", "set delimiter=tab"),
        (["a;2024-01-01T00:00:00Z;21,5"], {}, "missing_header", "set header=none and number"),
        (["# by hand", "a,b"], {}, "missing_header", "passed over with commentPrefix=#"),
        (["// by hand"], {}, "missing_header", "passed over with commentPrefix=//"),
        (["title", "sensor,device,time,value"], {}, "ambiguous_header", "sensor, device"),
    ],
)
def test_a_header_that_is_not_found_is_refused_with_the_first_line_and_an_option(
    path: Path, lines: list[str], options: dict[str, object], code: str, remedy: str
) -> None:
    refused = fault(path, "\n".join(lines), **options)
    assert refused.code == code
    assert re.search(remedy, refused.message), refused.message
    assert re.search(r"[Ll]ine \d+ is '", refused.message) or code != "missing_header"


BY_POSITION = {
    "header": HeaderMode.NONE,
    "columns": {"equipmentId": "3", "timestamp": "1", "value": "2"},
}


@pytest.mark.parametrize(
    ("lines", "options", "expected"),
    [
        (["t,1,a"], {}, (",", 3, 0)),
        (["", "", "t;1,5;a"], {}, (";", 3, 2)),
        (["t;1", "t;1,5;a;x", "t;1,5;a;x"], {}, (";", 4, 0)),
        (["sep=|", "t|1;2;3|a"], {}, ("|", 3, 1)),
        (["title,,,", "t|1|a"], {"skip_lines": 1}, ("|", 3, 1)),
        (["t,1,a;b;c"], {"delimiter": Delimiter.COMMA}, (",", 3, 0)),
    ],
)
def test_without_header_columns_are_known_by_position(
    path: Path, lines: list[str], options: dict[str, object], expected: tuple[str, int, int]
) -> None:
    path.write_text("\n".join(lines))
    found = read_header(path, ImportOptions(**(BY_POSITION | options)))  # type: ignore[arg-type]
    assert (found.delimiter, found.width, found.lines_above) == expected
    assert found.positions == {"equipmentId": 2, "timestamp": 0, "value": 1}
    assert found.names == BY_POSITION["columns"]


@pytest.mark.parametrize("line", ["t,1", "t,1,2;3;4;a", "x"])
def test_without_header_lines_that_split_in_no_or_several_ways_are_refused(
    path: Path, line: str
) -> None:
    path.write_text(line)
    with pytest.raises(FileFaultError, match=r"at least 3 fields.*Set delimiter") as refused:
        read_header(path, ImportOptions(**BY_POSITION))  # type: ignore[arg-type]
    assert refused.value.code == "missing_header"
    assert repr(line) in refused.value.message
