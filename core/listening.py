"""Addresses that this process listens on, each alone: two servers never share one by accident."""

import errno
import socket
from dataclasses import dataclass

from pydantic_settings import BaseSettings

from core.errors import SettingError
from core.setting_errors import wrong_setting

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address to listen at, and the settings that it comes from."""

    host: str
    port: int
    group: type[BaseSettings]
    port_field: str = "port"
    host_field: str = "host"

    def listen(self) -> socket.socket:
        """A socket that listens there from now on.

        It is not open for sharing (SO_REUSEPORT), so a second one is refused. Raises SettingError.
        """
        is_version_6 = ":" in self.host
        try:
            listener = socket.create_server(
                (self.host, self.port),
                family=socket.AF_INET6 if is_version_6 else socket.AF_INET,
                backlog=BACKLOG,
                dualstack_ipv6=is_version_6 and socket.has_dualstack_ipv6(),
            )
        except OSError as error:
            raise self.error(error) from error
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener

    def error(self, error: OSError) -> SettingError:
        """Why nobody can listen there."""
        match error.errno:
            case errno.EADDRINUSE:
                return self.taken()
            case errno.EADDRNOTAVAIL:
                return self._wrong(self.host_field, f"{self.host} is no address of this machine")
            case _:
                return self._wrong(self.port_field, f"port {self.port} cannot be had ({error})")

    def taken(self) -> SettingError:
        """Somebody else listens there."""
        problem = f"port {self.port} of {self.host} is taken; stop what listens there, or choose"
        return self._wrong(self.port_field, f"{problem} another port")

    def _wrong(self, field: str, problem: str) -> SettingError:
        return wrong_setting(self.group, field, problem)
