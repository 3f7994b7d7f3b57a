"""Passwords: Argon2id hashes, checked in the same time whether or not the name exists."""

import secrets
import threading
import unicodedata
from functools import lru_cache

from flask_security import hash_password, verify_password

from biobank.core.errors import Malformed, Reason

SHORTEST = 12
LONGEST = 500
#: Without the letters and digits that are taken for one another when read off a screen.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

#: Each hash takes 19 MiB and a processor for some 40 ms; a rush of sign-ins queues here.
_at_once = threading.BoundedSemaphore(2)


def make() -> str:
    """A random password that can be read out over the telephone: 20 letters, 98 bits."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(20))
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))


def check_strength(password: str) -> None:
    """Long is what counts (NIST SP 800-63B-4, 3.1.1.2). raises Malformed"""
    if not SHORTEST <= len(password) <= LONGEST or "\x00" in password:
        reason = Reason("password_length", {"least": SHORTEST, "most": LONGEST})
        raise Malformed({"password": reason})


def hashed(password: str) -> str:
    """The Argon2id hash to keep."""
    with _at_once:
        return hash_password(_normal(password))


def matches(password: str, kept: str | None) -> bool:
    """True when this is the password. Without a kept hash it takes as long, and is False."""
    with _at_once:
        same = verify_password(_normal(password[:LONGEST]), kept or _nobodys())
    return same and kept is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return hash_password(secrets.token_urlsafe(16))


def _normal(password: str) -> str:
    """One spelling for what looks the same: é typed on two keyboards."""
    return unicodedata.normalize("NFKC", password)
