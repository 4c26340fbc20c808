"""HAProxy with the configuration of the compose stack, before servers on loopback addresses."""

import asyncio
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import cast

import httpx2
import pytest

from tests.containers.files import ROOT
from tests.support.ports import free_port

CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
START_SECONDS = 30

needs_haproxy = pytest.mark.skipif(
    PROGRAM is None, reason="there is no HAProxy here; install Debian's package haproxy"
)

_A_RECORD = struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4)


class Names(asyncio.DatagramProtocol):
    """A name server that knows one name: as Docker's, it answers with an address a replica."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = data[12 : data.index(b"\0", 12) + 5]
        is_address = question.endswith(b"\0\x01\0\x01")
        addresses = self.addresses if is_address else []
        header = data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
        records = b"".join(_A_RECORD + IPv4Address(each).packed for each in addresses)
        assert self._transport
        self._transport.sendto(header + question + records, addr)


def configuration(port: int, health_port: int, name_port: int, api_port: int) -> str:
    """That of the stack, with the ports of a test; nothing else differs."""
    text = CONFIGURATION.read_text()
    for there, here in (
        ("bind :8000", f"bind 127.0.0.1:{port}"),
        ("bind 127.0.0.1:8404", f"bind 127.0.0.1:{health_port}"),
        ("127.0.0.11:53", f"127.0.0.1:{name_port}"),
        ("api:8000", f"api:{api_port}"),
    ):
        assert text.count(there) == 1
        text = text.replace(there, here)
    return text


@asynccontextmanager
async def proxying(
    folder: Path, addresses: list[str], api_port: int
) -> AsyncIterator[tuple[str, Names]]:
    """The proxy's URL, once it has found all servers at these addresses, and who names them."""
    port, health_port = free_port(), free_port()
    names = Names(addresses)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: names, ("127.0.0.1", 0))
    file = folder / "haproxy.cfg"
    name_port = transport.get_extra_info("sockname")[1]
    file.write_text(configuration(port, health_port, name_port, api_port))
    assert PROGRAM
    process = await asyncio.create_subprocess_exec(PROGRAM, "-W", "-db", "-f", file)
    try:
        await _ready(f"http://127.0.0.1:{health_port}/health")
        yield f"http://127.0.0.1:{port}", names
    finally:
        process.terminate()
        await process.wait()
        transport.close()


async def _ready(url: str) -> None:
    """By what the container's health check asks for."""
    async with asyncio.timeout(START_SECONDS), httpx2.AsyncClient() as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)
