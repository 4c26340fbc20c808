"""The header determines the layout of the lines, or why the file is refused."""

from pathlib import Path

import pytest

from core.imports import Delimiter, ImportOptions
from jobs.csv_import.header import Layout, read_header
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
    header = delimiter.join(['"a,;\tb"', "value", "", "ts", "device"])
    positions = {"equipmentId": 4, "timestamp": 3, "value": 1}
    assert layout(path, header) == Layout(delimiter, 5, positions)
    assert layout(path, header, delimiter=delimiter) == Layout(delimiter, 5, positions)
    for other in set(Delimiter) - {delimiter}:
        assert fault(path, header, delimiter=other).code == "missing_header"


def test_a_column_may_have_any_name_that_the_options_give(path: Path) -> None:
    columns = {"timestamp": "Measured, at", "value": "time"}
    parsed = layout(path, 'time,"Measured, at",Value,sensor', columns=columns)
    assert parsed.positions == {"equipmentId": 3, "timestamp": 1, "value": 0}


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
