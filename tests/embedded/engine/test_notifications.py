import asyncio
from collections.abc import Callable

import asyncpg

from embedded.database import EmbeddedDatabase

from .conftest import Connect, ConnectWire

PayloadQueue = asyncio.Queue[str]


def listener(payloads: PayloadQueue) -> Callable[..., None]:
    def put(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        payloads.put_nowait(payload)

    return put


async def next_payload(payloads: PayloadQueue) -> str:
    return await asyncio.wait_for(payloads.get(), 5)


async def test_a_notification_reaches_every_listener_of_its_channel_and_no_other(
    connect: Connect,
) -> None:
    first, second, unrelated, sender = [await connect() for _ in range(4)]
    queues: list[PayloadQueue] = [asyncio.Queue() for _ in range(3)]
    await first.add_listener("news", listener(queues[0]))
    await second.add_listener("news", listener(queues[1]))
    await unrelated.add_listener("other", listener(queues[2]))
    await sender.execute("SELECT pg_notify('news', 'hello')")
    assert [await next_payload(queues[0]), await next_payload(queues[1])] == ["hello", "hello"]
    await sender.execute("NOTIFY other, 'later'")
    assert await next_payload(queues[2]) == "later"


async def test_a_notification_is_sent_at_commit_and_dropped_at_rollback(
    connect: Connect,
) -> None:
    listening, sender = await connect(), await connect()
    payloads: PayloadQueue = asyncio.Queue()
    await listening.add_listener("committed", listener(payloads))
    transaction = sender.transaction()
    await transaction.start()
    await sender.execute("NOTIFY committed, 'never'")
    await transaction.rollback()
    async with sender.transaction():
        await sender.execute("NOTIFY committed, 'once'")
        assert payloads.empty()
    assert await next_payload(payloads) == "once"


async def test_a_sender_that_listens_is_notified(connect: Connect) -> None:
    connection = await connect()
    payloads: PayloadQueue = asyncio.Queue()
    await connection.add_listener("echo", listener(payloads))
    await connection.execute("NOTIFY echo, 'self'")
    assert await next_payload(payloads) == "self"


async def test_listeners_survive_a_pool_release_of_others(
    engine: EmbeddedDatabase, connect: Connect
) -> None:
    listening = await connect()
    payloads: PayloadQueue = asyncio.Queue()
    await listening.add_listener("pooled", listener(payloads))
    async with asyncpg.create_pool(engine.url, min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("LISTEN pooled")
        await pool.execute("NOTIFY pooled, 'still here'")
    assert await next_payload(payloads) == "still here"


async def test_listeners_survive_discard_all_of_others(connect: Connect) -> None:
    listening, other = await connect(), await connect()
    payloads: PayloadQueue = asyncio.Queue()
    await listening.add_listener("undiscarded", listener(payloads))
    await other.execute("DISCARD ALL")
    await other.execute("NOTIFY undiscarded, 'still here'")
    assert await next_payload(payloads) == "still here"


async def test_unlisten_affects_one_client_only(connect: Connect) -> None:
    first, second, sender = [await connect() for _ in range(3)]
    first_payloads: PayloadQueue = asyncio.Queue()
    second_payloads: PayloadQueue = asyncio.Queue()
    first_listener = listener(first_payloads)
    await first.add_listener("shared", first_listener)
    await second.add_listener("shared", listener(second_payloads))
    await first.remove_listener("shared", first_listener)
    await sender.execute("NOTIFY shared, 'one'")
    assert await next_payload(second_payloads) == "one"
    assert first_payloads.empty()


async def test_the_engine_stops_listening_with_the_last_listener(connect: Connect) -> None:
    listening, observer = await connect(), await connect()
    await listening.execute('LISTEN "Odd Name"')
    channels = "SELECT array_agg(c) FROM pg_listening_channels() c WHERE c = 'Odd Name'"
    assert await observer.fetchval(channels) == ["Odd Name"]
    await listening.close()
    assert await observer.fetchval(channels) is None


def test_a_rolled_back_listen_gets_no_notification(connect_wire: ConnectWire) -> None:
    rolled_back, listening, sender = connect_wire(), connect_wire(), connect_wire()
    for wire in (rolled_back, listening, sender):
        wire.login()
    listening.simple_query("LISTEN undone")
    rolled_back.simple_query("BEGIN; LISTEN undone")
    rolled_back.simple_query("ROLLBACK")
    sender.simple_query("NOTIFY undone")
    assert listening.read().type == "A"
    assert [item.type for item in rolled_back.simple_query("SELECT 1")] == ["T", "D", "C", "Z"]


def test_words_in_a_string_are_not_taken_for_commands(connect_wire: ConnectWire) -> None:
    listening, selecting, sender = connect_wire(), connect_wire(), connect_wire()
    for wire in (listening, selecting, sender):
        wire.login()
    listening.simple_query("LISTEN spoken")
    selecting.simple_query("SELECT 'please listen spoken'")
    listening.simple_query("SELECT 'never unlisten spoken'")
    sender.simple_query("NOTIFY spoken")
    assert listening.read().type == "A"
    assert [item.type for item in selecting.simple_query("SELECT 1")] == ["T", "D", "C", "Z"]


def test_a_notification_carries_the_senders_process_id(connect_wire: ConnectWire) -> None:
    listening, sender = connect_wire(), connect_wire()
    listening.login()
    sender.login()
    listening.simple_query("LISTEN signed")
    sender.simple_query("NOTIFY signed, 'x'")
    message = listening.read()
    assert message.type == "A"
    assert message.body == sender.pid.to_bytes(4, "big") + b"signed\0x\0"
