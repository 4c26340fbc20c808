"""What is proposed for a file reads it; where the file does not tell, all that it may mean is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from core.imports import ImportFault, ImportOptions
from core.readings import TimeBounds
from jobs.csv_import.detection.proposals import Proposal, propose_options
from jobs.csv_import.detection.sample import FilePart
from jobs.errors import FileFaultError
from tests.jobs.file_forms import LINE_FORMS, PACKED_FORMS, ROWS, Form
from tests.jobs.load_model import Row, load_row_by_row
from tests.jobs.mutations import PACKINGS

GOOD = [Row(row.key, row.value) for row in ROWS]
BOUNDS = TimeBounds.at(
    datetime(2027, 1, 1, tzinfo=UTC), timedelta(days=1), datetime(2000, 1, 1, tzinfo=UTC), None
)
NOTHING_GIVEN = ImportOptions()
# The same header comes twice, and a row between them: only its sender knows that it is no row.
FORMS = {name: form for name, form in LINE_FORMS.items() if name != "lines that the options skip"}


def proposals_for(
    folder: Path,
    content: str | bytes,
    extension: str = ".csv",
    given: ImportOptions = NOTHING_GIVEN,
) -> list[Proposal]:
    path = folder / f"file{extension}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return propose_options(FilePart(path), given, BOUNDS)


def the_proposal(folder: Path, content: str | bytes, **options: object) -> Proposal:
    (proposal,) = proposals_for(folder, content, **options)  # type: ignore[arg-type]  # as they come
    return proposal


def said(proposal: Proposal) -> dict[str, object]:
    """The options that are not as by default."""
    default = msgspec.to_builtins(NOTHING_GIVEN)
    return {
        name: value
        for name, value in msgspec.to_builtins(proposal.options).items()
        if value != default[name]
    }


def readings_of(proposal: Proposal) -> dict[tuple[str, str], float]:
    return {(name, ts.isoformat()): value for name, ts, value in proposal.first_readings(10**6)}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_a_file_is_read_with_what_is_proposed_for_it(
    tmp_path: Path, form: Form
) -> None:
    proposals = proposals_for(tmp_path, form.content(GOOD), form.extension)
    expected, _ = load_row_by_row({}, GOOD)
    assert expected in map(readings_of, proposals)
    assert all(proposal.rejected == 0 for proposal in proposals)


TS = "2026-11-01T00:00:00Z"
TOA5 = """\
"TOA5","st1","CR1000","1234","CR1000.Std","CPU:a.CR1","1","Tbl"
"TIMESTAMP","RECORD","BattV","T_C"
"TS","RN","V","degC"
"","","Smp","Avg"
"2026-11-01 00:00:00",0,12.5,8.1
"""
FILES = {
    "as it should be": (f"sensor,time,value\na,{TS},1.5\n", {}, [("a", 1.5)]),
    "decimal commas": (
        f"sensor;time;value\na;{TS};21,5\nb;{TS};3\n",
        {"decimal": ","},
        [("a", 21.5), ("b", 3)],
    ),
    "lines above": (
        f"Station: t04\nLogger S/N: 77\n\nsensor,time,value\na,{TS},1\n",
        {},
        [("a", 1)],
    ),
    "a line that declares the separator": (f"sep=;\nsensor;time;value\na;{TS};1\n", {}, [("a", 1)]),
    "names of its own": (
        f"Messstelle;Zeitpunkt;Messwert;Bemerkung\na;{TS};1,5;ok\n",
        {
            "decimal": ",",
            "columns": {"equipmentId": "Messstelle", "timestamp": "Zeitpunkt", "value": "Messwert"},
        },
        [("a", 1.5)],
    ),
    "no header": (
        f"a|x|{TS}|1\nb|x|{TS}|2\n".replace("|x", ""),
        {"header": "none", "columns": {"equipmentId": "1", "timestamp": "2", "value": "3"}},
        [("a", 1), ("b", 2)],
    ),
    "seconds": ("device\tts\treading\na\t1793491200\t1\n", {"timeFormat": "epoch_s"}, [("a", 1)]),
    "milliseconds": (
        "device,ts,reading\na,1793491200000,1\n",
        {"timeFormat": "epoch_ms"},
        [("a", 1)],
    ),
    "nanoseconds": (
        "device,ts,reading\na,1793491200000000000,1\n",
        {"timeFormat": "epoch_ns"},
        [("a", 1)],
    ),
    "comments": (
        f"# made by\nsensor,time,value\n# gap\na,{TS},1\n",
        {"commentPrefix": "#"},
        [("a", 1)],
    ),
    "a header like a comment": (
        f"# sensor,time,value\na,{TS},1\n",
        {"columns": {"equipmentId": "# sensor"}},
        [("a", 1)],
    ),
    "units below the header": (
        f"sensor,time,value\n-,UTC,degC\na,{TS},1\n",
        {"skipLinesAfterHeader": 1},
        [("a", 1)],
    ),
    "ids that a spreadsheet has changed": (
        f'sensor,time,value\n"=""00123""",{TS},1\n1.23457E+11,{TS},2\n',
        {},
        [('="00123"', 1), ("1.23457E+11", 2)],
    ),
    "ids that are numbers": (
        f"station id,time,value\n17,{TS},1\n",
        {"columns": {"equipmentId": "station id"}},
        [("17", 1)],
    ),
    "a damaged row": (
        f"sensor,time,value\na,{TS},1\nb,{TS}\nc,{TS},x\nd,{TS},4\n",
        {},
        [("a", 1), ("d", 4)],
    ),
    "values that are none": (
        f"sensor,time,value\na,{TS},1.5\nb,{TS},-9999\nc,{TS},NAN\nd,{TS},\ne,{TS},nan\n",
        {"nullValues": ["-9999", "NAN", ""]},
        [("a", 1.5)],
    ),
    "nothing but values that are none": (
        f"sensor,time,value\na,{TS},n/a\nb,{TS},---\n",
        {"nullValues": ["n/a", "---"]},
        [],
    ),
    "day first, and 24:00": (
        "sensor;time;value\na;13.11.2026 24:00:00;1\nb;01.12.2026 00:15:00;2\n",
        {"timeFormat": "%d.%m.%Y %H:%M:%S", "hour24": "next_day"},
        [("a", 1), ("b", 2)],
    ),
    "month first, with AM and PM": (
        "sensor,time,value\na,11/13/2026 01:00:00 PM,1\n",
        {"timeFormat": "%m/%d/%Y %I:%M:%S %p"},
        [("a", 1)],
    ),
    "the name of the month": (
        "sensor,time,value\na,01-Nov-2026 00:15,1\n",
        {"timeFormat": "%d-%b-%Y %H:%M"},
        [("a", 1)],
    ),
    "nothing but digits": (
        "sensor,time,value\na,20261101001500,1\n",
        {"timeFormat": "%Y%m%d%H%M%S"},
        [("a", 1)],
    ),
    "date and time in two columns": (
        "sensor,date,time,value\na,2026-11-01,00:05:00,1\n",
        {"columns": {"timestamp": ["date", "time"]}},
        [("a", 1)],
    ),
    "both in two columns without names": (
        "13.11.2026;00:05;a;1,5\n",
        {
            "decimal": ",",
            "header": "none",
            "timeFormat": "%d.%m.%Y %H:%M",
            "columns": {"equipmentId": "3", "timestamp": ["1", "2"], "value": "4"},
        },
        [("a", 1.5)],
    ),
    "another way to end ISO 8601": (
        "sensor,time,value\na,2026-11-01 00:00:00.5 UTC,1\nb,2026-11-01 00:00:00 +0000,2\n",
        {},
        [("a", 1), ("b", 2)],
    ),
    "wide": (f"time,temp,hum\n{TS},8.1,55\n", {"layout": "wide"}, [("temp", 8.1), ("hum", 55)]),
    "wide, with a single sensor": (f"time,temp\n{TS},8.1\n", {"layout": "wide"}, [("temp", 8.1)]),
    "wide, with a counter, a note and values that are none": (
        f"RecNbr;time;temp;note;hum\n1;{TS};8,1;;-9999\n2;{TS};;gap;NAN\n",
        {
            "layout": "wide",
            "decimal": ",",
            "ignoreColumns": ["RecNbr", "note"],
            "nullValues": ["-9999", "NAN"],
        },
        [("temp", 8.1)],
    ),
    "wide TOA5": (
        TOA5,
        {
            "layout": "wide",
            "columns": {"timestamp": "TIMESTAMP"},
            "ignoreColumns": ["RECORD"],
            "skipLinesAfterHeader": 2,
        },
        [("BattV", 12.5), ("T_C", 8.1)],
    ),
    "wide, with dates beside times": (
        "Datum;Uhrzeit;T1\n13.11.2026;00:15;8,1\n",
        {
            "layout": "wide",
            "decimal": ",",
            "timeFormat": "%d.%m.%Y %H:%M",
            "columns": {"timestamp": ["Datum", "Uhrzeit"]},
        },
        [("T1", 8.1)],
    ),
    "no line end": (f"sensor,time,value\na,{TS},1", {}, [("a", 1)]),
}


@pytest.mark.parametrize(("content", "options", "readings"), FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("extension", PACKINGS)
def test_the_options_are_no_more_than_the_file_needs(
    tmp_path: Path,
    content: str,
    options: dict[str, object],
    readings: list[tuple[str, float]],
    extension: str,
) -> None:
    proposal = the_proposal(tmp_path, PACKINGS[extension](content.encode()), extension=extension)
    assert said(proposal) == options
    assert [(name, value) for (name, _), value in readings_of(proposal).items()] == readings


def test_options_that_are_given_stay_and_decide_what_the_file_does_not_tell(tmp_path: Path) -> None:
    content = f"time,sensor,room,t,h\n{TS},a,b,1,2\n"
    proposals = proposals_for(tmp_path, content)
    assert [proposal.columns["value"] for proposal in proposals] == ["t", "h"]
    given = ImportOptions(columns={"value": "h", "equipmentId": "room"}, time_zone="Europe/Berlin")
    proposal = the_proposal(tmp_path, content, given=given)
    assert readings_of(proposal) == {("b", "2026-11-01T00:00:00+00:00"): 2}
    assert said(proposal) == {"columns": given.columns, "timeZone": "Europe/Berlin"}


@pytest.mark.parametrize("mark", ["/", ".", "-"])
def test_whether_the_day_or_the_month_is_first_is_left_to_the_sender(
    tmp_path: Path, mark: str
) -> None:
    content = f"sensor,time,value\na,03{mark}04{mark}2026 00:00:00,1\n"
    proposals = proposals_for(tmp_path, content)
    assert [proposal.options.time_format for proposal in proposals] == [
        f"%d{mark}%m{mark}%Y %H:%M:%S", f"%m{mark}%d{mark}%Y %H:%M:%S",
    ]  # fmt: skip
    days = [ts.isoformat()[:10] for each in proposals for _, ts, _ in each.first_readings(1)]
    assert days == ["2026-04-03", "2026-03-04"]
    chosen = the_proposal(tmp_path, content, given=proposals[1].options)
    assert chosen.options == proposals[1].options
    alone = the_proposal(tmp_path, content + f"a,13{mark}04{mark}2026 00:00:00,1\n")
    assert alone.options == proposals[0].options


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-8"), ("utf-16-le", "utf-16"),
        ("cp1252", "windows-1252"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("extension", PACKINGS)
def test_the_encoding_is_found(
    tmp_path: Path, encoding: str, declared: str, extension: str
) -> None:
    content = PACKINGS[extension](f"sensor,time,value\nPümpe,{TS},1\n".encode(encoding))
    proposal = the_proposal(tmp_path, content, extension=extension)
    assert said(proposal) == ({} if declared == "utf-8" else {"encoding": declared})
    assert proposal.first_readings(1)[0][0] == "Pümpe"


@pytest.mark.parametrize(
    ("timestamp", "zone", "assumes"),
    [
        ("2026-11-01 00:00:00", "UTC", True),
        ("2026-11-01 00:00:00", "Europe/Berlin", False),
        ("2026-11-01T00:00:00+01:00", "UTC", False),
        ("2026-11-01 00:00:00 UTC", "UTC", False),
        ("13.11.2026 00:00:00", "UTC", True),
        ("13.11.2026 00:00:00 +0100", "UTC", False),
        ("1793491200", "UTC", False),
    ],
)
def test_that_nothing_says_the_zone_is_noted(
    tmp_path: Path, timestamp: str, zone: str, *, assumes: bool
) -> None:
    content = f"sensor,time,value\na,{timestamp},1\n"
    proposal = the_proposal(tmp_path, content, given=ImportOptions(time_zone=zone))
    assert proposal.assumes_utc is assumes


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        "x",
        "sensor,time,value\n",
        "a,b\nc,d\n",
        "\x00" * 99,
        '"' * 99,
        "{}\n" * 9,
        "1,2\n",
    ],
)
def test_where_no_line_is_a_reading_nothing_is_proposed(tmp_path: Path, content: str) -> None:
    assert proposals_for(tmp_path, content) == []


@pytest.mark.parametrize("form", PACKED_FORMS.values(), ids=PACKED_FORMS.keys())
def test_whatever_a_file_is_packed_in_its_text_is_looked_at(tmp_path: Path, form: Form) -> None:
    given = ImportOptions(encoding=form.options.encoding)
    proposal = the_proposal(tmp_path, form.content(GOOD), extension=form.extension, given=given)
    assert readings_of(proposal) == load_row_by_row({}, GOOD)[0]


def test_a_damaged_archive_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileFaultError) as fault:
        proposals_for(tmp_path, b"sensor,time,value\n", ".csv.gz")
    assert fault.value.code is ImportFault.BAD_COMPRESSION


def test_that_a_parquet_file_says_itself_how_it_is_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileFaultError, match="run it dry"):
        proposals_for(tmp_path, b"PAR1", ".parquet")


def test_only_the_first_lines_are_read_and_none_is_cut(tmp_path: Path) -> None:
    rows = "".join(f"sensor-{n},{TS},{n}.5\n" for n in range(100_000))
    proposal = the_proposal(tmp_path, f"sensor,time,value\n{rows}\x00")
    assert 1000 < proposal.rows < 10_000
    assert proposal.rejected == 0
