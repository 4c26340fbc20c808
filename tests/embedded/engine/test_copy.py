import asyncio
import io
import random
from threading import Thread

import asyncpg
import pytest

from .conftest import Connect, ConnectPsycopg, ConnectWire
from .wire_client import EXECUTE, SYNC, bind, message, parse, query


class ApplicationError(Exception):
    """An application aborts its COPY."""


async def test_binary_copy_writes_and_reads_rows(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE copied (n int, label text)")
    rows = [(n, f"label {n}") for n in range(50_000)]
    await connection.copy_records_to_table("copied", records=rows)
    out = io.BytesIO()
    await connection.copy_from_table("copied", output=out, format="binary")
    out.seek(0)
    await connection.copy_to_table("copied", source=out, format="binary")
    counted = await connection.fetchrow("SELECT count(*), count(DISTINCT (n, label)) FROM copied")
    assert counted is not None
    assert tuple(counted) == (100_000, 50_000)


async def test_csv_copy_returns_the_bytes_that_were_written(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE csv_copied (n int, label text)")
    written = "".join(f'{n},"a, ""quoted"" line\n{n}"\n' for n in range(20_000)).encode()
    await connection.copy_to_table("csv_copied", source=io.BytesIO(written), format="csv")
    out = io.BytesIO()
    await connection.copy_from_query("TABLE csv_copied", output=out, format="csv")
    assert out.getvalue() == written


async def test_a_bad_row_fails_the_copy_and_leaves_the_session_usable(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE half_bad (n int)")
    lines = b"".join(b"%d\n" % n for n in range(100_000)) + b"bad\n" + b"1\n" * 500_000
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await connection.copy_to_table("half_bad", source=io.BytesIO(lines), format="csv")
    assert await connection.fetchval("SELECT count(*) FROM half_bad") == 0


def test_psycopg_copies_by_rows_and_in_the_extended_protocol(
    psycopg_connect: ConnectPsycopg,
) -> None:
    connection = psycopg_connect()
    connection.execute("CREATE TABLE by_rows (n int, label text)")
    with connection.cursor().copy("COPY by_rows FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "text"])
        for n in range(1000):
            copy.write_row((n, "x"))
    with connection.cursor().copy("COPY by_rows TO STDOUT") as copy:
        assert len(list(copy.rows())) == 1000


def test_an_application_error_in_the_middle_of_copy_stores_nothing(
    psycopg_connect: ConnectPsycopg,
) -> None:
    connection = psycopg_connect()
    connection.execute("CREATE TABLE aborted (n int)")

    def copy_and_fail() -> None:
        with connection.cursor().copy("COPY aborted FROM STDIN") as copy:
            copy.write(b"1\n")
            raise ApplicationError

    with pytest.raises(ApplicationError):
        copy_and_fail()
    assert connection.execute("SELECT count(*) FROM aborted").fetchone() == (0,)


@pytest.mark.parametrize("whole", [True, False], ids=["between_rows", "inside_a_message"])
def test_a_connection_reset_in_the_middle_of_copy_stores_nothing(
    connect_wire: ConnectWire, psycopg_connect: ConnectPsycopg, *, whole: bool
) -> None:
    observer = psycopg_connect()
    observer.execute("DROP TABLE IF EXISTS reset_copy; CREATE TABLE reset_copy (n int)")
    wire = connect_wire()
    wire.login()
    wire.send(query("COPY reset_copy FROM STDIN"))
    assert wire.read().type == "G"
    data = message("d", b"1\n" * 100_000)
    wire.send(data if whole else data[:-50_001])
    wire.reset()
    assert observer.execute("SELECT count(*) FROM reset_copy").fetchone() == (0,)


def test_copy_data_sent_before_the_copy_in_response_is_accepted(
    connect_wire: ConnectWire, psycopg_connect: ConnectPsycopg
) -> None:
    psycopg_connect().execute("CREATE TABLE early (n int)")
    wire = connect_wire()
    wire.login()
    wire.send(query("COPY early FROM STDIN"), message("d", b"1\n2\n"), message("c"))
    assert wire.types() == "GCZ"
    assert wire.value("SELECT sum(n) FROM early") == "3"


def test_much_copy_data_sent_while_another_client_holds_the_engine_is_accepted(
    connect_wire: ConnectWire, psycopg_connect: ConnectPsycopg
) -> None:
    psycopg_connect().execute("CREATE TABLE much_early (line text)")
    holder, wire = connect_wire(), connect_wire()
    holder.login()
    wire.login()
    holder.simple_query("BEGIN")
    row = b"x" * 99_999 + b"\n"
    data = query("COPY much_early FROM STDIN") + message("d", row) * 300 + message("c")
    sending = Thread(target=wire.send, args=(data,))
    sending.start()
    sending.join(0.2)  # as much as the server buffers
    holder.simple_query("COMMIT")
    assert wire.types() == "GCZ"
    sending.join()
    assert wire.value("SELECT count(*) FROM much_early") == "300"


def test_a_sync_in_the_middle_of_copy_is_ignored_as_natively(
    connect_wire: ConnectWire, psycopg_connect: ConnectPsycopg
) -> None:
    psycopg_connect().execute("CREATE TABLE synced (n int)")
    wire = connect_wire()
    wire.login()
    wire.send(parse("COPY synced FROM STDIN"), bind(), EXECUTE, SYNC)
    assert [wire.read().type for _ in range(3)] == ["1", "2", "G"]
    wire.send(message("d", b"1\n"), message("c"), SYNC)
    assert wire.types() == "CZ"
    assert wire.value("SELECT count(*) FROM synced") == "1"


def test_messages_split_anywhere_are_reassembled(
    connect_wire: ConnectWire, psycopg_connect: ConnectPsycopg
) -> None:
    psycopg_connect().execute("CREATE TABLE split (n int, label text)")
    wire = connect_wire()
    wire.login()
    # Labels made of what looks like message types and lengths.
    rows = b"".join(
        b"%d\tQ\\0\\0\\0\\4X\\0\\0\\0\\4\n".replace(b"\\0", b"0") % n for n in range(30_000)
    )
    sent = query("COPY split FROM STDIN") + message("d", rows) + message("c")
    generator = random.Random(7)  # noqa: S311 # repeatable
    at = 0
    while at < len(sent):
        size = generator.choice([1, 4, 5, 6, 1000, 70_000])
        wire.send(sent[at : at + size])
        at += size
    assert wire.types() == "GCZ"
    assert wire.value("SELECT count(*) FROM split") == "30000"


async def test_copies_of_several_clients_do_not_mix(connect: Connect) -> None:
    await (await connect()).execute("CREATE TABLE mixed (client int, n int)")

    async def load(client: int) -> None:
        connection = await connect()
        await connection.copy_records_to_table("mixed", records=[(client, n) for n in range(5_000)])

    await asyncio.gather(*(load(client) for client in range(4)))
    rows = await (await connect()).fetch("SELECT client, count(DISTINCT n) FROM mixed GROUP BY 1")
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(range(4), 5_000)


def test_a_query_in_the_middle_of_copy_ends_the_session_but_not_the_engine(
    connect_wire: ConnectWire, psycopg_connect: ConnectPsycopg
) -> None:
    observer = psycopg_connect()
    observer.execute("CREATE TABLE interrupted_copy (n int)")
    wire = connect_wire()
    wire.login()
    wire.send(query("COPY interrupted_copy FROM STDIN"))
    assert wire.read().type == "G"
    wire.send(message("d", b"1\n"), query("SELECT 1"))
    assert wire.read().fields["C"] == "08P01"
    assert observer.execute("SELECT count(*) FROM interrupted_copy").fetchone() == (0,)
