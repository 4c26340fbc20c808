"""The development identity provider: accounts with public passwords, on the loopback interface."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from embedded.node import EMBEDDED_FOLDER, install_packages
from embedded.process import NodeProgram

_FOLDER = EMBEDDED_FOLDER / "identity"


@dataclass(frozen=True)
class Accounts:
    """Who may request tokens from the development provider, and the audience of these."""

    audience: str
    passwords: Mapping[str, str]
    """By username."""
    client_secrets: Mapping[str, str]
    """By client id, of the clients that use the client credentials grant."""


def read_accounts() -> Accounts:
    """The accounts of identity/accounts.json, the file that configures the provider itself."""
    content = json.loads((_FOLDER / "accounts.json").read_text())
    return Accounts(
        audience=content["audience"],
        passwords={user["username"]: user["password"] for user in content["users"]},
        client_secrets={client["id"]: client["secret"] for client in content["machineClients"]},
    )


class IdentityProvider(NodeProgram):
    """A running provider. Its sessions end with it; its keys, and so its tokens, stay valid."""

    @classmethod
    def serve(
        cls,
        data_dir: Path,
        *,
        port: int = 0,
        client_origins: Iterable[str] = (),
        rotate_keys: bool = False,
        accounts: Path | None = None,
    ) -> Self:
        """Start the provider; 0 takes any free port.

        `client_origins` are those of its browser clients, such as http://127.0.0.1:8000.
        `rotate_keys` signs with a new key from now on; tokens of the one before stay valid.
        `accounts` is a file to use instead of identity/accounts.json.
        Raises NodeMissingError, PackagesNotInstalledError or StartFailedError (`port_taken`).
        """
        install_packages()
        return cls.start(
            _FOLDER / "main.mjs",
            f"--port={port}",
            f"--keys={data_dir / 'identity' / 'keys.json'}",
            *(f"--client-origin={origin}" for origin in client_origins),
            *(["--rotate-keys"] if rotate_keys else []),
            *([f"--accounts={accounts}"] if accounts else []),
            log_path=data_dir / "logs" / "identity.log",
        )

    @property
    def issuer(self) -> str:
        """The issuer of its tokens, which is also the base URL of its discovery document."""
        return str(self.ready["issuer"])
