"""A line is its exact text under its physical number, whatever bytes the file has."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.csv_import import numbered_lines as module
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT, numbered_line_batches


def read(path: Path, content: bytes, lines_done: int = 0, batch_lines: int = 3) -> list[str]:
    """The lines in order; the numbers are checked here."""
    path.write_bytes(content)
    batches = list(numbered_line_batches(path, lines_done, batch_lines))
    numbers = [number for batch in batches for number in batch[LINE_NUMBER]]
    assert numbers == list(range(lines_done + 1, lines_done + 1 + len(numbers)))
    assert all(batch.height == batch_lines for batch in batches[:-1])
    return [text or "" for batch in batches for text in batch[TEXT]]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n\n", ["", "", ""]),
        (b"a,b\n1,2\n\n3,4", ["a,b", "1,2", "", "3,4"]),
        (b"a,b\r\n\r\n3,4\r\n", ["a,b", "", "3,4"]),
        (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
        (b"  a \n\t\n", ["  a ", "\t"]),
        (b'a\n"b\nc"\n', ["a", '"b', 'c"']),
        (b"a\x00b\x01c\n\x00\n", ["a\x00b\x01c", "\x00"]),
        (b"a\xffb\n\xc3\n", ["a\ufffdb", "\ufffd"]),
        (b"a\rb\n", ["a\rb"]),
    ],
)
def test_a_line_keeps_its_text_and_its_number(
    tmp_path: Path, content: bytes, expected: list[str]
) -> None:
    assert read(tmp_path / "file", content) == expected


def test_a_line_of_ten_megabytes_is_one_line(tmp_path: Path) -> None:
    assert read(tmp_path / "f", b"a\n" + b"x" * 10_000_000 + b"\nb") == ["a", "x" * 10_000_000, "b"]


def test_a_file_whose_name_is_a_pattern_is_that_file(tmp_path: Path) -> None:
    assert read(tmp_path / "[a]*?.csv", b"a\nb\n") == ["a", "b"]


def test_very_long_lines_make_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_BYTES", 10)
    path = tmp_path / "file"
    path.write_bytes(b"aaaa\nbbbb\ncccccccccccc\n\nd\n")
    heights = [batch.height for batch in numbered_line_batches(path, 0, 100)]
    assert heights == [2, 1, 2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=9)),
    lines_done=st.integers(0, 9),
    batch_lines=st.integers(1, 5),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_the_lines_after_those_done_are_read_in_any_batches(
    tmp_path: Path, texts: list[str], lines_done: int, batch_lines: int, ending: str
) -> None:
    texts = ["first", *texts]  # a mark at the start of a file is no text
    content = "".join(text + ending for text in texts).encode()
    assert read(tmp_path / "file", content, lines_done, batch_lines) == texts[lines_done:]
