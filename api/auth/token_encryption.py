"""Tokens sealed with the session's cookie: who reads the store alone gets none of them."""

import secrets
from hashlib import sha256
from typing import Final

import msgspec
from joserfc import jwe
from joserfc.jwk import OctKey

HEADER: Final = {"alg": "dir", "enc": "A256GCM"}
ALGORITHMS: Final = ("dir", "A256GCM")
COOKIE_BYTES = 32


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider gave for a session."""

    access_token: str
    refresh_token: str | None = None
    id_token: str | None = None


def new_secret() -> str:
    """An opaque value that cannot be guessed."""
    return secrets.token_urlsafe(COOKIE_BYTES)


def digest(secret: str) -> bytes:
    """What is stored of a secret in its place."""
    return sha256(secret.encode()).digest()


def seal(tokens: Tokens, cookie: str) -> str:
    """The tokens, for the holder of the cookie only."""
    return jwe.encrypt_compact(HEADER, msgspec.json.encode(tokens), _key(cookie), ALGORITHMS)


def unseal(sealed: str, cookie: str) -> Tokens:
    """The tokens again."""
    opened = jwe.decrypt_compact(sealed, _key(cookie), ALGORITHMS)
    return msgspec.json.decode(opened.plaintext or b"", type=Tokens)


def _key(cookie: str) -> OctKey:
    # Not the digest that is the session's id, which the database knows.
    return OctKey.import_key(digest(f"sealing key of {cookie}"))
