"""InfluxDB's line protocol, by its grammar."""

import gzip
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point
from pydantic import ValidationError

from api.line_protocol.grammar import join_continued_lines, parse_head, parse_number, parse_point
from api.line_protocol.series import EquipmentIds
from core.database import Pool
from core.readings import EARLIEST
from core.settings import LineProtocolSettings, ReadingSettings
from tests.api.readings.test_readings import stored
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

V2, V1 = "/api/v2/write", "/write"
START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(START.timestamp())


@pytest_asyncio.fixture
async def historic(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, client: httpx2.AsyncClient
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that takes readings of any time."""
    readings = ReadingSettings(earliest=EARLIEST)
    settings = server_settings(migrated_url, stub_provider.issuer, tmp_path, readings=readings)
    async with (
        serving(settings) as url,
        httpx2.AsyncClient(base_url=url, headers=client.headers) as historic,
    ):
        yield historic


names = st.text(st.characters(exclude_categories=["C"], exclude_characters="\\"), min_size=1)
measurements = names.filter(lambda name: not name.startswith(("#", " ")))
tag_sets = st.dictionaries(names, names, max_size=3)
values = (
    st.floats(-1e300, 1e300)
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.text(st.characters(exclude_categories=["C"]) | st.just("\n"))
)


def as_line(name: str, tags: dict[str, str], fields: Mapping[str, object]) -> str:
    """The point as the real client writes it."""
    record = {"measurement": name, "tags": tags, "fields": fields, "time": START}
    line: str = Point.from_dict(record).to_line_protocol()
    return line


async def write(client: httpx2.AsyncClient, text: str, path: str = V2) -> httpx2.Response:
    return await client.post(path, content=text.encode(), params={"precision": "s"})


@settings(max_examples=150, deadline=None)
@given(
    name=measurements,
    tags=tag_sets,
    fields=st.dictionaries(names, values, min_size=1),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_real_client_writes_is_parsed_as_it_was_meant(
    name: str, tags: dict[str, str], fields: dict[str, object], end: str
) -> None:
    body = f"{as_line(name, tags, fields)}{end}next f=1{end}".encode()
    lines = [line for piece in join_continued_lines([body.split(b"\n")]) for line in piece if line]
    point, following = (parse_point(line.decode()) for line in lines)
    assert following is not None
    assert (following.head, following.fields) == ("next", [("f", "1")])
    assert point is not None
    assert parse_head(point.head) == (name, tags)
    assert point.time == SECONDS * 10**9
    assert {field: parse_number(value) for field, value in point.fields} == {
        field: None if isinstance(value, str) else float(value)  # type: ignore[arg-type]  # a number
        for field, value in fields.items()
    }


@settings(max_examples=100, deadline=None)
@given(
    ours=st.tuples(measurements, tag_sets, names), others=st.tuples(measurements, tag_sets, names)
)
@example(("a", {"b": "c d"}, "e"), ("a", {"b": "c"}, "d e"))
@example(("a,b=c", {}, "d"), ("a", {"b": "c"}, "d"))
@example(("a", {"b": "c,d=e"}, "f"), ("a", {"b": "c", "d": "e"}, "f"))
@example(("a b", {}, "c"), ("a", {}, "b c"))
def test_the_default_never_gives_two_series_one_id(
    ours: tuple[str, dict[str, str], str], others: tuple[str, dict[str, str], str]
) -> None:
    ids = EquipmentIds(LineProtocolSettings().equipment_id)
    made = []
    for name, tags, field in (ours, others):
        point = parse_point(as_line(name, tags, {field: 1.0}))
        assert point is not None
        made.append(ids.get(point.head, point.fields[0][0]))
    assert (made[0] == made[1]) == (ours == others)


def test_tags_in_another_order_are_the_same_series() -> None:
    ids = EquipmentIds(LineProtocolSettings().equipment_id)
    assert ids.get("m,b=1,a=x\\ y", "f") == ids.get("m,a=x\\ y,b=1", "f") == "m,a=x\\ y,b=1 f"


async def test_partial_writes_are_reported_in_the_shape_of_each_version(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    message = "partial write: line 0: f must be a number, a boolean or a string dropped=1"
    response = await write(client, "m f=x,g=2")
    assert (response.status_code, response.json()) == (400, {"code": "invalid", "message": message})
    response = await write(client, "m f=x,g=2", V1)
    assert (response.status_code, response.json()) == (400, {"error": message})
    assert {(row[0], row[2]) for row in await stored(pool)} == {("m g", 2)}


GOOD = {
    "m f=1": {"m f": 1},
    "m,t=v f=1,g=2i,h=3u": {"m,t=v f": 1, "m,t=v g": 2, "m,t=v h": 3},
    "m f=-1.5e3,g=.5,h=5.": {"m f": -1500, "m g": 0.5, "m h": 5},
    "m f=t,g=FALSE": {"m f": 1, "m g": 0},
    'm f="text, with = and \\" and\na line m x=1",g=2\nn f=3': {"m g": 2, "n f": 3},
    '# m f=1\n\n  \r\n m f=1 \r\n# "\nn f=2': {"m f": 1, "n f": 2},
    "m\\,a\\ b,t\\=g=v\\,w f\\ g=1": {"m\\,a\\ b,t\\=g=v\\,w f g": 1},
    'm,t="quoted f=1': {'m,t="quoted f': 1},
    "m\\n,t=C:\\dir f=1": {"m\\n,t=C:\\dir f": 1},
    "日本,t=🌡 f=1": {"日本,t=🌡 f": 1},
    "m f=1\r\n": {"m f": 1},
    "m f=1\r\n# n f=1\r\n\r\nn f=2i,g=t\r\no f=3\r": {"m f": 1, "n f": 2, "n g": 1, "o f": 3},
    'm f="a\r\nb",g=1\r\nn f="c"\r\no f="d\r\n",g=2 \r\n': {"m g": 1, "o g": 2},
}


@pytest.mark.parametrize("text", GOOD)
@pytest.mark.parametrize("path", [V1, V2])
async def test_what_the_grammar_allows_is_stored(
    client: httpx2.AsyncClient, pool: Pool, text: str, path: str
) -> None:
    assert (await write(client, text, path)).status_code == 204
    assert {row[0]: row[2] for row in await stored(pool)} == GOOD[text]
    timestamps = {row[1] for row in await stored(pool)}
    assert len(timestamps) == 1
    assert abs(timestamps.pop() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    [
        "m",
        "m ",
        "m f",
        "m f=",
        "m f=1,",
        "m f=1 x",
        "m f=1 1 1",
        "m,t f=1",
        "m,t= f=1",
        "m,t=v,t=w f=1",
        ",t=v f=1",
        "m f=1x",
        "m f=1.5i",
        "m f=-1u",
        "m f=9223372036854775808i",
        "m f=18446744073709551616u",
        "m f=nan",
        "m f=+Inf",
        "m f=1e301",
        "m f=1e999",
        "m f=tRUE",
        "m f=1 9999999999999",
        "m f=1 99999999999999999999999",
        "m f=1 -99999999999",
        'm f="open',
        "m\x01 f=1",
        "m f=" + "1" * 70_000,
        f"{'m' * 260} f=1",
    ],
)
async def test_what_it_does_not_allow_is_refused_and_its_neighbours_are_stored(
    client: httpx2.AsyncClient, pool: Pool, text: str
) -> None:
    response = await write(client, f"a f=1\n{text}")
    assert response.status_code == 400
    assert response.json()["message"].startswith("partial write: line 1: ")
    assert response.json()["message"].endswith(" dropped=1")
    assert [row[0] for row in await stored(pool)] == ["a f"]


async def test_too_late_and_too_early_points_are_rejected_with_the_bound(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ($1)", START)
    late = await write(client, f"m f=1 {int(datetime.now(UTC).timestamp()) + 90_000}")
    early = await write(client, f"m f=1 {SECONDS - 1}\nm f=1 {SECONDS}")
    assert "timestamp must not be later than 20" in late.json()["message"]
    assert "timestamp must not be earlier than 2026-01-01T00:00:00+00:00" in early.json()["message"]
    assert [row[1] for row in await stored(pool)] == [START]


@pytest.mark.parametrize(
    ("precision", "a_second"),
    [
        ("ns", 10**9),
        ("n", 10**9),
        ("", 10**9),
        ("us", 10**6),
        ("u", 10**6),
        ("ms", 1000),
        ("s", 1),
        ("m", 1 / 60),
        ("h", 1 / 3600),
    ],
)
async def test_timestamps_have_the_unit_that_precision_says(
    client: httpx2.AsyncClient, pool: Pool, precision: str, a_second: float
) -> None:
    text = f"m f=1 {round(SECONDS * a_second)}"
    response = await client.post(V2, content=text, params={"precision": precision, "bucket": "b"})
    assert response.status_code == 204
    assert [row[1] for row in await stored(pool)] == [START]


async def test_digits_past_the_microsecond_are_dropped_before_and_after_the_epoch(
    historic: httpx2.AsyncClient, pool: Pool
) -> None:
    await historic.post(V2, content="a f=1 1999\nb f=1 -1")
    timestamps = [row[1] for row in await stored(pool)]
    epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
    assert timestamps == [epoch + microsecond, epoch - microsecond]


UNITS = {"ns": 10**9, "us": 10**6, "ms": 1000, "s": 1, "m": 1 / 60, "h": 1 / 3600}
UNIT_NAMES = {
    "ns": "nanoseconds",
    "us": "microseconds",
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
}


async def test_a_timestamp_in_another_unit_is_refused_and_its_unit_named(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    now = datetime.now(UTC).timestamp()
    for said, sent in product(["", *UNITS], UNITS):
        if sent == (said or "ns"):
            continue
        text = f"m f=1 {round(now * UNITS[sent])}"
        response = await client.post(V2, content=text, params={"precision": said})
        too_fine = UNITS[sent] > UNITS[said or "ns"]
        bound = "later than" if too_fine else "earlier than 2000-01-01T00:00:00"
        hint = f"looks like {UNIT_NAMES[sent]}; send precision={sent} "
        assert response.status_code == 400
        assert f"timestamp must not be {bound}" in response.text
        assert hint in response.text
    assert await stored(pool) == []


async def test_no_unit_is_named_for_a_number_that_is_a_plausible_time_in_none(
    client: httpx2.AsyncClient,
) -> None:
    for count in (
        0,
        1,
        -1,
        86_400,
        int(datetime.now(UTC).timestamp() * 10**9) + 2 * 86_400 * 10**9,
    ):
        response = await client.post(V2, content=f"m f=1 {count}")
        assert response.status_code == 400
        assert "looks like" not in response.text


async def test_integers_of_thousands_of_digits_are_refused(client: httpx2.AsyncClient) -> None:
    for line in (f"m f=1 {'9' * 5000}", f"m f={'9' * 5000}i", f"m f={'9' * 5000}u"):
        assert (await client.post(V2, content=line)).status_code == 400


async def test_an_unknown_precision_is_refused_by_name(client: httpx2.AsyncClient) -> None:
    response = await client.post(V2, content="m f=1", params={"precision": "d"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "precision")


async def test_a_body_of_old_clients_needs_no_type_and_may_be_gzip(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
    body = gzip.compress(b"m f=1")
    assert (await client.post(V1, content=body, headers=headers)).status_code == 204
    assert (await client.post(V1, content=b"")).status_code == 204
    assert len(await stored(pool)) == 1


@pytest.mark.parametrize("path", [V1, V2])
async def test_the_word_token_announces_an_access_token_on_these_routes_alone(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider, path: str
) -> None:
    headers = {"Authorization": f"Token {stub_provider.token()}"}
    assert (await anonymous.post(path, content=b"", headers=headers)).status_code == 204
    assert (await anonymous.post("/sensor-data/batch", headers=headers)).status_code == 401
    secret = {"u": "test-user", "p": stub_provider.token()}
    assert (await anonymous.post(path, params=secret)).status_code == 401
    basic = await anonymous.post(path, auth=("token", stub_provider.token()))
    assert (basic.status_code, basic.json()["code"]) == (401, "missing_token")


async def test_the_setting_says_what_equipment_a_field_is(
    migrated_url: str, stub_provider: StubProvider, tmp_path: Path, pool: Pool
) -> None:
    template = LineProtocolSettings(equipment_id="{measurement}/{tags.host}/{field}")
    server = server_settings(migrated_url, stub_provider.issuer, tmp_path, line_protocol=template)
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server) as url,
        httpx2.AsyncClient(base_url=url, headers=headers) as client,
    ):
        response = await write(client, "cpu,host=a,core=1 user=1\ncpu user=2")
    assert "tags.host is missing" in response.json()["message"]
    assert [(row[0], row[2]) for row in await stored(pool)] == [("cpu/a/user", 1)]


@pytest.mark.parametrize(
    "template", ["", "fixed", "{host}", "{field} {tags.}", "{field", "{field}}{"]
)
def test_a_template_of_other_names_is_refused(template: str) -> None:
    with pytest.raises(ValidationError, match="series"):
        LineProtocolSettings(equipment_id=template)
