"""One look into the database tells who holds a token or a session."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import and_, bindparam, or_, select, update

from biobank.access import permissions
from biobank.access.models import ApiToken, Role, Site, Station, User, user_role
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, fetch, unit_of_work
from biobank.core.errors import Busy

PREFIX = "bb_"


class Person(NamedTuple):
    """Somebody who may come in now."""

    id: int
    name: str
    actor_key: str
    fs_uniquifier: str
    site_id: int | None
    site_name: str | None
    language: str | None
    roles: frozenset[str]
    station: str | None = None
    """The station that they say they are at, where they see it."""
    affixes: tuple[str, str] | None = None
    """What its scanner types around a code."""


class Holder(NamedTuple):
    """Whose token it is."""

    token_id: int
    person: Person


_PERSON = (
    User.id, User.name, User.actor_key, User.fs_uniquifier, User.site_id, Site.name, User.language, Role.name,
    Station.code, Station.prefix, Station.suffix,
)  # fmt: skip
_ROLES = (
    select(*_PERSON)
    .join_from(User, Site, isouter=True)
    .join(user_role, user_role.c.user_id == User.id, isouter=True)
    .join(Role, Role.id == user_role.c.role_id, isouter=True)
    .join(
        Station,
        and_(
            Station.code == bindparam("station"), or_(User.site_id.is_(None), Station.site_id == User.site_id)
        ),
        isouter=True,
    )
    .where(User.active)
)
_BY_SESSION = _ROLES.where(User.fs_uniquifier == bindparam("key"))
_BY_TOKEN = (
    _ROLES.add_columns(ApiToken.id, ApiToken.expires_at, ApiToken.revoked_at, ApiToken.last_used_on)
    .join(ApiToken, ApiToken.user_id == User.id)
    .where(ApiToken.hash == bindparam("key"))
)


def of_session(fs_uniquifier: str, station: str | None = None) -> Person | None:
    """The person whose session it is, unless they were shut out since. station: where they say they are"""
    rows = fetch(_BY_SESSION, {"key": fs_uniquifier, "station": station})
    return _person(rows) if rows else None


def of_token(token: str, now: datetime, station: str | None = None) -> Holder | None:
    """The holder of a token that is known, has not expired and was not revoked. station: where they say they are"""
    if not token.startswith(PREFIX):
        return None
    rows = fetch(_BY_TOKEN, {"key": hash_of(token), "station": station})
    if not rows:
        return None
    token_id, expires_at, revoked_at, last_used_on = rows[0][-4:]
    if revoked_at is not None or expires_at <= now:
        return None
    _used(token_id, last_used_on, now)
    return Holder(token_id, _person(rows))


def hash_of(token: str) -> str:
    """What is kept of a token. 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def actor(person: Person, credential: str) -> Actor:
    """The person as the one who acts."""
    usual = current_app.config["BIOBANK"]["scanner"]
    return Actor(
        key=person.actor_key,
        name=person.name,
        roles=person.roles,
        permissions=permissions.of_roles(person.roles),
        site_id=person.site_id,
        user_id=person.id,
        credential=credential,
        station=person.station,
        affixes=person.affixes or (usual["prefix"], usual["suffix"]),
    )


def _person(rows: Sequence[Any]) -> Person:
    """One row for each role."""
    key, name, actor_key, session_key, site_id, site_name, language, *_ = rows[0]
    roles = frozenset(row[7] for row in rows if row[7])
    station, prefix, suffix = rows[0][8:11]
    affixes = (prefix, suffix) if station is not None else None
    return Person(key, name, actor_key, session_key, site_id, site_name, language, roles, station, affixes)


def _used(token_id: int, last_used_on: datetime | None, now: datetime) -> None:
    """Note the day of use, once a day: who asks a thousand times must not write a thousand times."""
    if last_used_on is not None and last_used_on.date() >= now.date():
        return
    note = update(ApiToken).where(ApiToken.id == token_id).values(last_used_on=clock.now())
    try:
        unit_of_work(lambda: db.session.execute(note))
    except Busy:
        return  # a busy database is no reason to turn somebody away
