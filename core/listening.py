"""Listening sockets that no other process can share."""

import errno
import socket
from dataclasses import dataclass

from pydantic_settings import BaseSettings

from core.errors import SettingError
from core.setting_errors import setting_error

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address to listen on, and the settings that it comes from."""

    host: str
    port: int
    group: type[BaseSettings]
    port_field: str = "port"
    host_field: str = "host"

    def listen(self) -> socket.socket:
        """A listening socket without SO_REUSEPORT. Raises SettingError."""
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
        """The error of the setting because of which bind failed."""
        match error.errno:
            case errno.EADDRINUSE:
                return self.in_use()
            case errno.EADDRNOTAVAIL:
                return self._error(
                    self.host_field, f"{self.host} is not an address of this machine"
                )
            case _:
                return self._error(self.port_field, f"cannot listen on port {self.port} ({error})")

    def in_use(self) -> SettingError:
        """The error of a port on which another process listens."""
        problem = f"port {self.port} of {self.host} is in use; stop the other process or choose"
        return self._error(self.port_field, f"{problem} another port")

    def _error(self, field: str, problem: str) -> SettingError:
        return setting_error(self.group, field, problem)
