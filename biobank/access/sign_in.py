"""Signing in by name and password, with the tries counted in the database, so that every process counts the same."""

import hashlib
from datetime import timedelta

from sqlalchemy import delete, func, select

from biobank.access import passwords, recognition
from biobank.access.models import SignInTry, User
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotSignedIn, TooManyTries

#: Old tries are dropped after this time.
KEPT = timedelta(days=1)


def sign_in(name: str, password: str, *, tries: int, minutes: int) -> User:
    """Who this is. Not inside a unit of work: the try counts even when it fails.

    tries, minutes  how many may fail within how long
    raises          TooManyTries; NotSignedIn `sign_in_failed`, the same and as slow for a name nobody has
    """
    tried = hashlib.sha256(name.strip().encode("utf-8", "replace")).hexdigest()
    unit_of_work(lambda: _count(tried, tries, minutes))
    user = db.session.scalar(select(User).where(User.name == name.strip()))
    # The slow hash is computed with no lock held.
    right = passwords.matches(password, user.password if user and user.active else None)
    if user is None or not right:
        raise NotSignedIn("sign_in_failed")
    return unit_of_work(lambda: _let_in(user.id, tried))


def _count(tried: str, tries: int, minutes: int) -> None:
    """Note the try before it is made, so that many at once do not all count as the first."""
    now = clock.now()
    since = now - timedelta(minutes=minutes)
    recent = select(func.count()).where(SignInTry.name == tried, SignInTry.at > since)
    if db.session.scalars(recent).one() >= tries:
        raise TooManyTries("too_many_tries", minutes=minutes)
    db.session.execute(delete(SignInTry).where(SignInTry.at < now - KEPT))
    db.session.add(SignInTry(name=tried, at=now))


def _let_in(user_id: int, tried: str) -> User:
    user = db.session.get_one(User, user_id)
    db.session.execute(delete(SignInTry).where(SignInTry.name == tried))
    person = recognition.of_session(user.fs_uniquifier)
    if person is None:
        raise NotSignedIn("sign_in_failed")
    by = recognition.actor(person, f"session:{person.id}")
    audit.record(by=by, act="signed_in", subject=("user", user.actor_key))
    return user
