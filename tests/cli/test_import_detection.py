"""`sensorflow import --detect`: the command that it prints loads the file."""

import asyncio
import json
import shlex
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.imports.options import parse_options
from cli.imports.command_line import command_line
from cli.imports.options import form_fields, with_import_options
from cli.main import app
from core.database import Pool
from core.imports import COLUMNS, DecimalMark, Delimiter, HeaderMode, ImportOptions, TimeFormat
from core.readings import OnConflict
from tests.cli.test_commands import sensorflow
from tests.cli.test_documented_files import EXAMPLES, write_example
from tests.jobs.support import HEADER

TS = "2026-11-01T00:00:00"


def write_file(folder: Path, content: str, name: str = "file.csv") -> str:
    path = folder / name
    path.write_text(content)
    return str(path)


def test_the_command_is_printed_with_the_first_readings_and_without_a_database(
    tmp_path: Path,
) -> None:
    path = write_file(
        tmp_path, f"Sensor Name;Zeit;Wert\na b;{TS};1,5\na b;{TS[:-1]}1;x\n", "a b.csv"
    )
    outcome = sensorflow("import", "--detect", path)
    assert outcome.returncode == 1, outcome.stderr
    assert (
        outcome.stdout
        == f"""\
! {path}
  sensorflow import --decimal , --column 'equipmentId=Sensor Name' --column timestamp=Zeit \
--column value=Wert '{path}'
    of the first 2 rows 1 would be rejected
      a b  2026-11-01 00:00:00Z  1.5
    the first rejected: line 3: bad_number in value
    timestamps have no offset and are read as UTC: if they are not, add --time-zone
"""
    )


def test_what_the_file_does_not_tell_is_left_to_its_sender(tmp_path: Path) -> None:
    path = write_file(tmp_path, f"sensor,time,before,after\na,{TS}Z,1,2\n")
    outcome = sensorflow("import", "--detect", path)
    assert outcome.returncode == 1
    assert "  2 ways to read it; choose the one that is meant:\n" in outcome.stdout
    chosen = sensorflow("import", "--detect", "--column", "value=after", path)
    assert chosen.returncode == 0
    assert "a  2026-11-01 00:00:00Z  2.0" in chosen.stdout


def test_programs_get_the_proposals_as_json(tmp_path: Path) -> None:
    good = write_file(tmp_path, f"sensor;time;value\na;{TS}Z;1,5\n", "good.csv")
    bad = write_file(tmp_path, "nothing\n", "bad.csv")
    none = write_file(tmp_path, "nothing\n", "none.pdf")
    outcome = sensorflow("import", "--detect", "--json", good, bad, none)
    assert outcome.returncode == 3
    found, nothing, refused = map(json.loads, outcome.stdout.splitlines())
    (proposal,) = found["proposals"]
    assert proposal["options"]["decimal"] == ","
    assert proposal["columns"] == {"equipmentId": "sensor", "timestamp": "time", "value": "value"}
    assert (proposal["rows"], proposal["skipped"], proposal["rejected"]) == (1, 0, 0)
    assert proposal["warnings"] == []
    assert proposal["preview"] == [{"equipmentId": "a", "timestamp": f"{TS}Z", "value": 1.5}]
    assert shlex.split(proposal["command"]) == ["sensorflow", "import", "--decimal", ",", good]
    assert (nothing["exitCode"], nothing["proposals"]) == (3, [])
    assert (refused["exitCode"], refused["error"]["code"]) == (3, "not_csv")


def test_it_is_either_a_detection_or_a_dry_run(tmp_path: Path) -> None:
    path = write_file(tmp_path, HEADER)
    outcome = sensorflow("import", "--detect", "--dry-run", path)
    assert outcome.returncode == 2
    assert "--dry-run" in outcome.stderr


@pytest.mark.parametrize(("file", "command"), EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_a_documented_file_is_loaded_by_the_command_that_is_proposed_for_it(
    migrated_url: str, pool: Pool, tmp_path: Path, file: str, command: str
) -> None:
    _, path = write_example(tmp_path, file, command)
    runner = CliRunner(
        env={
            "SENSORFLOW_DATABASE_URL": migrated_url,
            "SENSORFLOW_STORAGE_URL": str(tmp_path / "storage"),
        }
    )
    detected = runner.invoke(app, ["import", "--detect", "--json", str(path)])
    proposals = json.loads(detected.stdout)["proposals"]
    assert proposals, detected.stdout
    for proposal in proposals:
        _, *arguments = shlex.split(proposal["command"])
        outcome = await asyncio.to_thread(runner.invoke, app, [*arguments, "--json"])
        assert outcome.exit_code == 0, outcome.output
        counts = json.loads(outcome.stdout)["import"]["counts"]
        read = counts.pop("read")
        assert read == sum(counts.values()) == proposal["rows"]
        stored = await pool.fetchval(
            "SELECT value FROM readings WHERE equipment_id = $1 ORDER BY ts LIMIT 1",
            proposal["preview"][0]["equipmentId"],
        )
        assert stored == proposal["preview"][0]["value"]
        await pool.execute("TRUNCATE readings")


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)


@given(
    options=st.builds(
        ImportOptions,
        delimiter=st.none() | st.sampled_from(Delimiter),
        decimal=st.sampled_from(DecimalMark),
        time_format=st.sampled_from(TimeFormat),
        columns=st.dictionaries(
            st.sampled_from(COLUMNS), texts.map(str.strip).filter(bool), max_size=3
        ).filter(lambda columns: len({*columns.values()}) == len(columns)),
        skip_lines=st.integers(0, 99),
        comment_prefix=st.none() | st.sampled_from(["#", "//", "'", "$x"]),
        max_errors=st.none() | st.sampled_from([0, 7, "5%"]),
        on_conflict=st.sampled_from(OnConflict),
        header=st.just(HeaderMode.DETECT),
        null_values=st.lists(st.sampled_from(["-9999", "", "n/a", "---", "--", "a b"]), max_size=3),
    )
)
def test_the_command_line_says_the_options_and_nothing_else(options: ImportOptions) -> None:
    given_options: list[ImportOptions] = []

    @with_import_options
    def command(file: str, **given: str | list[str] | None) -> None:
        assert file.endswith("-a b.csv")
        given_options.append(parse_options(form_fields(given)))

    program = typer.Typer(add_completion=False)
    program.command()(command)
    _, _, *arguments = shlex.split(command_line(options, Path("-a b.csv").absolute()))
    outcome = CliRunner().invoke(program, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert given_options == [options]
