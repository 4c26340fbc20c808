"""Encryption of a session's tokens by its cookie: the session store alone reveals none of them."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
from joserfc import jwe
from joserfc.jwk import OctKey

JWE_HEADER: Final = {"alg": "dir", "enc": "A256GCM"}
ALGORITHMS: Final = ("dir", "A256GCM")
SECRET_BYTES = 32


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens that the provider issued for a session."""

    access_token: str
    refresh_token: str | None = None
    id_token: str | None = None


@dataclass(frozen=True, slots=True)
class EncryptedTokens:
    """A session's tokens as they are stored, with what the store must know of them in clear."""

    jwe: str
    access_token_hash: bytes
    access_expires_at: datetime
    refresh_due_at: datetime


def new_secret() -> str:
    """A random, opaque value that cannot be guessed."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """The SHA-256 hash that is stored in place of a secret."""
    return sha256(secret.encode()).digest()


def encrypt_tokens(tokens: Tokens, cookie: str) -> str:
    """A JWE (RFC 7516) that only the holder of the cookie can decrypt."""
    return jwe.encrypt_compact(JWE_HEADER, msgspec.json.encode(tokens), _key(cookie), ALGORITHMS)


def decrypt_tokens(encrypted: str, cookie: str) -> Tokens:
    """The tokens of a JWE that `encrypt_tokens` made with this cookie."""
    decrypted = jwe.decrypt_compact(encrypted, _key(cookie), ALGORITHMS)
    return msgspec.json.decode(decrypted.plaintext or b"", type=Tokens)


def _key(cookie: str) -> OctKey:
    # Not the digest of the cookie: that is the session's id, which the store knows. The text is
    # part of the key of every stored session, so it must not change.
    return OctKey.import_key(digest(f"sealing key of {cookie}"))
