import asyncio
from collections.abc import Callable

import asyncpg

from embedded.database import EmbeddedDatabase

from .conftest import Connect, Dial

Heard = asyncio.Queue[str]


def listener(heard: Heard) -> Callable[..., None]:
    def note(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        heard.put_nowait(payload)

    return note


async def next_of(heard: Heard) -> str:
    return await asyncio.wait_for(heard.get(), 5)


async def test_a_notification_reaches_every_listener_and_nobody_else(connect: Connect) -> None:
    first, second, deaf, sender = [await connect() for _ in range(4)]
    queues: list[Heard] = [asyncio.Queue() for _ in range(3)]
    await first.add_listener("news", listener(queues[0]))
    await second.add_listener("news", listener(queues[1]))
    await deaf.add_listener("other", listener(queues[2]))
    await sender.execute("SELECT pg_notify('news', 'hello')")
    assert [await next_of(queues[0]), await next_of(queues[1])] == ["hello", "hello"]
    await sender.execute("NOTIFY other, 'later'")
    assert await next_of(queues[2]) == "later"


async def test_a_notification_waits_for_its_commit_and_dies_with_a_rollback(
    connect: Connect,
) -> None:
    hearer, sender = await connect(), await connect()
    heard: Heard = asyncio.Queue()
    await hearer.add_listener("committed", listener(heard))
    transaction = sender.transaction()
    await transaction.start()
    await sender.execute("NOTIFY committed, 'never'")
    await transaction.rollback()
    async with sender.transaction():
        await sender.execute("NOTIFY committed, 'once'")
        assert heard.empty()
    assert await next_of(heard) == "once"


async def test_a_sender_that_listens_hears_itself(connect: Connect) -> None:
    connection = await connect()
    heard: Heard = asyncio.Queue()
    await connection.add_listener("echo", listener(heard))
    await connection.execute("NOTIFY echo, 'self'")
    assert await next_of(heard) == "self"


async def test_listeners_survive_a_pool_release_of_others(
    engine: EmbeddedDatabase, connect: Connect
) -> None:
    hearer = await connect()
    heard: Heard = asyncio.Queue()
    await hearer.add_listener("kept", listener(heard))
    async with asyncpg.create_pool(engine.url, min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("LISTEN kept")
        await pool.execute("NOTIFY kept, 'still here'")
    assert await next_of(heard) == "still here"


async def test_listeners_survive_discard_all_of_others(connect: Connect) -> None:
    hearer, other = await connect(), await connect()
    heard: Heard = asyncio.Queue()
    await hearer.add_listener("undiscarded", listener(heard))
    await other.execute("DISCARD ALL")
    await other.execute("NOTIFY undiscarded, 'still here'")
    assert await next_of(heard) == "still here"


async def test_unlisten_ends_it_for_one_client_only(connect: Connect) -> None:
    first, second, sender = [await connect() for _ in range(3)]
    heard_first: Heard = asyncio.Queue()
    heard_second: Heard = asyncio.Queue()
    note_first = listener(heard_first)
    await first.add_listener("shared", note_first)
    await second.add_listener("shared", listener(heard_second))
    await first.remove_listener("shared", note_first)
    await sender.execute("NOTIFY shared, 'one'")
    assert await next_of(heard_second) == "one"
    assert heard_first.empty()


async def test_the_engine_stops_listening_with_the_last_listener(connect: Connect) -> None:
    hearer, observer = await connect(), await connect()
    await hearer.execute('LISTEN "Odd Name"')
    channels = "SELECT array_agg(c) FROM pg_listening_channels() c WHERE c = 'Odd Name'"
    assert await observer.fetchval(channels) == ["Odd Name"]
    await hearer.close()
    assert await observer.fetchval(channels) is None


def test_a_rolled_back_listen_hears_nothing(dial: Dial) -> None:
    wavering, hearer, sender = dial(), dial(), dial()
    for wire in (wavering, hearer, sender):
        wire.login()
    hearer.ask("LISTEN undone")
    wavering.ask("BEGIN; LISTEN undone")
    wavering.ask("ROLLBACK")
    sender.ask("NOTIFY undone")
    assert hearer.read().type == "A"
    assert [item.type for item in wavering.ask("SELECT 1")] == ["T", "D", "C", "Z"]


def test_words_in_data_are_not_taken_for_commands(dial: Dial) -> None:
    hearer, talker, sender = dial(), dial(), dial()
    for wire in (hearer, talker, sender):
        wire.login()
    hearer.ask("LISTEN spoken")
    talker.ask("SELECT 'please listen spoken'")
    hearer.ask("SELECT 'never unlisten spoken'")
    sender.ask("NOTIFY spoken")
    assert hearer.read().type == "A"
    assert [item.type for item in talker.ask("SELECT 1")] == ["T", "D", "C", "Z"]


def test_a_notification_carries_the_senders_process_id(dial: Dial) -> None:
    hearer, sender = dial(), dial()
    hearer.login()
    sender.login()
    hearer.ask("LISTEN signed")
    sender.ask("NOTIFY signed, 'x'")
    message = hearer.read()
    assert message.type == "A"
    assert message.body == sender.pid.to_bytes(4, "big") + b"signed\0x\0"
