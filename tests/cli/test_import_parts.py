"""The parts of `sensorflow import` that need no server: rejects beside files, bars and lines."""

import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from api.imports.schemas import Counts, Import, Progress
from cli.imports.display import SENDING, display_for
from cli.imports.rejects_file import save_rejects
from core.imports import ImportOptions, ImportState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def parts(*texts: str) -> AsyncIterator[bytes]:
    for text in texts:
        yield text.encode()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_rejects_lie_beside_their_file(tmp_path: Path) -> None:
    saved = await save_rejects(tmp_path / "a.csv.gz", parts("line\n", "2\n"))
    assert saved == tmp_path / "a.csv.gz.rejects.csv"
    assert saved.read_text() == "line\n2\n"


async def test_no_file_that_is_there_already_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "a.csv.rejects.csv"
    mine.write_text("corrected by hand")
    for text, name in [("x", "a.csv.rejects.2.csv"), ("y", "a.csv.rejects.3.csv")]:
        assert await save_rejects(tmp_path / "a.csv", parts(text)) == tmp_path / name
    assert mine.read_text() == "corrected by hand"


async def test_the_same_rejects_are_saved_once(tmp_path: Path) -> None:
    paths = {await save_rejects(tmp_path / "a.csv", parts("line\n", "2\n")) for _ in range(3)}
    assert paths == {tmp_path / "a.csv.rejects.csv"}
    assert names(tmp_path) == ["a.csv.rejects.csv"]


async def test_rejects_that_end_early_leave_no_file(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"line\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await save_rejects(tmp_path / "a.csv", broken())
    assert names(tmp_path) == []


def an_import(state: ImportState, rows: int) -> Import:
    return Import(
        import_id=UUID(int=1),
        file_name="a.csv",
        state=state,
        counts=Counts(rows, rows, 0, 0, 0, 0),
        progress=Progress(rows, 40, 100, 312_000.0, None),
        range=None,
        error=None,
        warnings=[],
        size_bytes=1,
        duplicate_of=None,
        options=ImportOptions(),
        attempts=1,
        created_by="tester",
        created_by_name=None,
        created_at=NOW,
        uploaded_at=NOW,
        started_at=None,
        finished_at=None,
    )


def displayed(*, terminal: bool, width: int = 80) -> list[str]:
    """What a display writes while a file is imported."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=width, color_system=None)
    with display_for(console) as display:
        display.notify("To https://sensors.example.org")
        path = Path("a-file-with-quite-a-long-name-of-2026.csv.gz")
        display.start_file(path, SENDING, 10_400_000_000)
        display.set_done(1_200_000_000)
        for state in (ImportState.QUEUED, ImportState.LOADING, ImportState.AGGREGATING):
            display.show_import(an_import(state, 1_250_000))
            display.show_import(an_import(state, 1_250_000))
        display.finish_file()
    return screen.getvalue().splitlines()


def test_where_no_bar_can_be_drawn_each_phase_is_a_line() -> None:
    name = "a-file-with-quite-a-long-name-of-2026.csv.gz"
    assert displayed(terminal=False) == [
        "To https://sensors.example.org",
        f"{name}: sending 10.4 GB",
        f"{name}: waiting for a worker, 1,250,000 rows",
        f"{name}: loading, 1,250,000 rows, 312,000/s",
        f"{name}: making visible, 1,250,000 rows",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bars_stay_on_one_line_and_go_at_the_end(width: int) -> None:
    text = "\n".join(displayed(terminal=True, width=width))
    assert text.startswith("\x1b[?25l")  # the cursor is hidden
    assert "\x1b[2K" in text
    assert all(len(line) <= width for line in visible(text))


def visible(text: str) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]", text)]
