"""The token that a framed page asks with: short-lived, and good for one embed, origin, index version and address.

It says what it is for in the open and is signed with a key of this process: after a restart, or a rebuild, a page asks for
another one. The address is signed but not written into it.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from corpus.errors import TokenInvalid

SECONDS = 600
"""A page that stays open asks for a new one without anyone noticing; a stolen one is soon worth nothing."""

LONGEST = 1000
"""Characters; a real one has a third of this."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is good for."""

    embed: str
    origin: str
    version: str


class Tokens:
    """Signs grants and reads them back."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def sign(self, grant: Grant, address: str) -> str:
        """A token for `grant`, for requests from `address`, from now for SECONDS."""
        said = json.dumps([*asdict(grant).values(), int(self._clock()) + SECONDS, secrets.token_hex(4)]).encode()
        return f"{_text(said)}.{_text(self._seal(said, address))}"

    def read(self, token: str, address: str) -> Grant:
        """What `token` is good for when it comes from `address`. Raises TokenInvalid."""
        try:
            said, seal = (_bytes(part) for part in token[:LONGEST].split("."))
            if not hmac.compare_digest(seal, self._seal(said, address)):
                raise TokenInvalid("The token is not one of this server for this address; ask for a new one.")
            embed, origin, version, until, _ = json.loads(said)
        except ValueError:
            raise TokenInvalid("The token is missing or no token; load the widget anew.") from None
        if self._clock() >= until:
            raise TokenInvalid("The token is too old; ask for a new one.")
        return Grant(embed, origin, version)

    def _seal(self, said: bytes, address: str) -> bytes:
        return hmac.digest(self._key, said + b"\0" + address.encode("utf-8", "replace"), hashlib.sha256)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
