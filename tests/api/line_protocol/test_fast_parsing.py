"""Many lines at once are read as each of them is by the grammar, or not at all.

A short run each time; SENSORFLOW_FUZZ_LINES=20000 makes it a long one.
"""

import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.line_protocol.fast_parsing import MAX_PAIRS, split_by_pairs
from api.line_protocol.grammar import join_continued_lines
from api.line_protocol.series import EquipmentIds
from api.line_protocol.service import PointValidator, Precision
from api.readings.body_rows import validate_each
from api.readings.errors import MAX_READING_BYTES
from api.readings.validated_rows import ValidatedRows
from core.readings import TimeBounds

EXAMPLES = int(os.environ.get("SENSORFLOW_FUZZ_LINES", "500"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = TimeBounds.at(NOW, timedelta(days=1), datetime(2000, 1, 1, tzinfo=UTC), horizon=None)
SECONDS = int(NOW.timestamp())

# Parts of lines as they are sent, and near to them.
NAMES = "f value usage_idle f1 é a\u0301 Δ m\\ n =" + " \x00 \u200b"
NUMBERS = """
    0 1 21.5 -1 +1 1. .5 . 1e5 1E-5 1e 1e400 1e300 1e301 1e-300 1e-400 -0.0 00 1_0 \u0661 nan inf
    Infinity 0x1 1i -1i +1i 1u -1u i 1_0i 9223372036854775807i 9223372036854775808i t T true False
    F f "1" "a b" 1,g=2 1=2 =1 --1 1-1 3ii
"""
TIMES = f"""
    {SECONDS} {SECONDS}1 -{SECONDS} +{SECONDS} 0 00{SECONDS} {SECONDS}.5 1_0 \u0661
    {"9" * 19} {"9" * 20}
"""
HEADS = r"""
    m m,a=b m,a=b,c=d m,b=1,a=2 m,a=b,a=c m,a= m,=b m,a m, ,a=b #m m,a=\ m\,n é,a=日 m=n m,a=b=c
"""

names = st.sampled_from(NAMES.split(" ")) | st.text(max_size=3)
numbers = st.sampled_from(NUMBERS.split()) | st.floats().map(repr) | st.text(max_size=3)
times = st.sampled_from(TIMES.split()) | st.integers(0, 2 * SECONDS).map(str) | st.text(max_size=3)
heads = st.sampled_from(HEADS.split()) | st.text(max_size=4)
usual_lines = st.builds(
    "{},a={} {}={} {}".format,
    st.sampled_from(["m", "cpu", "é"]),
    st.integers(0, 3),
    st.sampled_from(["f", "value=1,f"]),
    st.sampled_from(["0", "1.5", "-2e3", "7i", "true"]),
    st.integers(SECONDS - 100, SECONDS),
)
odd_lines = st.builds(
    "{}{}{}={}{}{}".format,
    heads,
    st.sampled_from([" ", "  ", ""]),
    names,
    numbers,
    st.sampled_from([" ", "  ", "", "\r"]),
    times,
)
any_lines = st.lists(usual_lines | odd_lines, max_size=4) | st.lists(usual_lines, max_size=6)


def validator() -> PointValidator:
    ids = EquipmentIds("{series} {field}")
    return PointValidator(ids, Precision.SECONDS, NOW, BOUNDS, numeric_strings=False)


@settings(max_examples=EXAMPLES)
@given(lines=any_lines.map(lambda lines: [line.encode("utf-8", "surrogatepass") for line in lines]))
@example(lines=[b"m f=1e400 1767225600"])
@example(lines=[b"m f=nan 1767225600"])
@example(lines=[b"m,a=b=c f=1 1767225600"])
@example(lines=[b"m =1 1767225600"])
@example(lines=[b"m f=1 \xd9\xa1"])
@example(lines=[b"m f=1 1767225600", b"", b"m f=2 1767225600"])
def test_lines_read_at_once_are_what_the_grammar_says_of_each(lines: list[bytes]) -> None:
    at_once, each, of_grammar = ValidatedRows(), ValidatedRows(), validator()
    validate_each(each, 5, lines, of_grammar.validate)
    if validator().validate_all(at_once, 5, lines):
        assert repr(at_once) == repr(each)  # which tells 0 from -0
        assert of_grammar.skipped_fields == 0
    else:
        assert at_once == ValidatedRows()


@pytest.mark.parametrize(
    "line",
    [
        b"m f=1 1767225600",
        b"cpu,host=a,region=eu usage_idle=98.5,usage_user=1.5,processes=12i,up=true 1767225600",
        "日本,a=é f=-1.5e3 1767225600".encode(),
    ],
)
def test_usual_lines_are_read_at_once(line: bytes) -> None:
    rows = ValidatedRows()
    assert validator().validate_all(rows, 0, [line, line])
    assert rows.rejected == 0
    assert len(rows.readings) == 2 * (line.count(b"=") - line.split(b" ")[0].count(b"="))


def test_lines_are_split_by_their_tags_and_fields() -> None:
    few, many = b"m,a=b f=1 1767225600", b"m " + b"f=1," * MAX_PAIRS + b"g=1 1767225600"
    pieces = [[few] * MAX_PAIRS, [], [few, many, few], [many, b"", b""]]
    split = list(split_by_pairs(pieces))
    assert [line for piece in split for line in piece] == [
        line for piece in pieces for line in piece
    ]
    for piece in split:
        assert len(piece) == 1 or b"".join(piece).count(b"=") <= MAX_PAIRS
    assert len(split) == 2 + 1 + 3 + 2


def test_a_string_that_is_never_closed_costs_no_more_a_line_the_more_there_are() -> None:
    """The lines of one string are joined up to the length of a reading, and no further."""
    lines = [b'm f="', *[b""] * 99_999]
    joined = [line for piece in join_continued_lines([lines]) for line in piece]
    assert len(joined) == len(lines)
    assert max(map(len, joined)) <= MAX_READING_BYTES + 1
