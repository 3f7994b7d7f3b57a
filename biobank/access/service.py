"""Sites, people and tokens: who there is, and who may come in."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select

from biobank.access import passwords
from biobank.access.models import ApiToken, Role, Site, User
from biobank.access.permissions import ROLES
from biobank.access.recognition import PREFIX, hash_of
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation

MAX_TOKEN_DAYS = 3650


# --- sites


def site_for(code: str | None, by: Actor) -> Site:
    """The site where the actor makes something: the one named, or their own.

    raises  Malformed: no site named by somebody who sees them all; or one that they do not see
    """
    if code is None:
        if by.site_id is None:
            raise Malformed({"site": Reason("site_needed")})
        return db.session.get_one(Site, by.site_id)
    site = db.session.scalar(select(Site).where(Site.code == code))
    if site is None or not by.sees(site.id):
        raise Malformed({"site": Reason("site_unknown", {"site": code})})
    return site


def site_code(site_id: int) -> str:
    """The short name of a site, such as IPC."""
    return db.session.get_one(Site, site_id).code


def list_sites(by: Actor) -> Sequence[Site]:
    """The sites that the actor sees, by code."""
    query = select(Site).order_by(Site.code)
    if by.site_id is not None:
        query = query.where(Site.id == by.site_id)
    return db.session.scalars(query).all()


def make_site(*, code: str, name: str, by: Actor) -> Site:
    """Set up a site. raises RuleViolation `site_exists`; Forbidden is for who belongs to another site"""
    _every_site(by)
    if db.session.scalar(select(Site.id).where(Site.code == code)) is not None:
        raise RuleViolation("site_exists", site=code)
    site = Site(code=code, name=name, recorded_at=clock.now())
    db.session.add(site)
    db.session.flush()
    audit.record(by=by, act="site_made", subject=("site", code), after={"name": name})
    return site


def _every_site(by: Actor) -> None:
    if by.site_id is not None:
        raise RuleViolation("site_scope")


# --- people


def find_user(name: str, by: Actor) -> User:
    """The person of this name. raises NotFound `user_unknown`, also for another site's"""
    user = db.session.scalar(select(User).where(User.name == name))
    if user is None or not _sees(by, user):
        raise NotFound("user_unknown", user=name)
    return user


def list_users(by: Actor) -> Sequence[User]:
    """Everybody of the actor's site, by name."""
    query = select(User).order_by(User.name)
    if by.site_id is not None:
        query = query.where(User.site_id == by.site_id)
    return db.session.scalars(query).unique().all()


def _sees(by: Actor, user: User) -> bool:
    return by.site_id is None or user.site_id == by.site_id


def make_user(
    *,
    name: str,
    roles: Iterable[str],
    site: Site | None = None,
    password: str | None = None,
    email: str | None = None,
    language: str | None = None,
    by: Actor,
) -> User:
    """Let somebody in.

    roles     names in `permissions.ROLES`
    site      None sees every site: for administrators of the whole bank
    password  None: cannot sign in to pages, only use tokens
    raises    Malformed for an unknown role or a short password; RuleViolation `user_exists`
    """
    wanted = sorted(set(roles))
    if unknown := next((role for role in wanted if role not in ROLES), None):
        raise Malformed({"roles": Reason("role_unknown", {"role": unknown, "known": ", ".join(ROLES)})})
    if not by.sees(site.id) if site else by.site_id is not None:
        raise Malformed({"site": Reason("site_unknown", {"site": site.code if site else "—"})})
    if password is not None:
        passwords.check_strength(password)
    if db.session.scalar(select(User.id).where(User.name == name)) is not None:
        raise RuleViolation("user_exists", user=name)
    user = User(
        name=name,
        email=email,
        password=passwords.hashed(password) if password else None,
        active=True,
        fs_uniquifier=secrets.token_hex(32),
        actor_key=secrets.token_hex(16),
        site_id=site.id if site else None,
        language=language,
        recorded_at=clock.now(),
    )
    user.roles.extend(_roles(wanted))
    db.session.add(user)
    db.session.flush()
    after = {"roles": wanted, "site": site.code if site else None}
    audit.record(by=by, act="user_made", subject=("user", user.actor_key), after=after)
    return user


def _roles(names: Sequence[str]) -> list[Role]:
    found = {role.name: role for role in db.session.scalars(select(Role).where(Role.name.in_(names)))}
    for name in names:
        if name not in found:
            found[name] = Role(name=name)
            db.session.add(found[name])
    return [found[name] for name in names]


def set_password(*, user: User, password: str, by: Actor) -> None:
    """Give a new password; every session of the old one ends. raises Malformed when it is too short"""
    passwords.check_strength(password)
    user.password = passwords.hashed(password)
    user.fs_uniquifier = secrets.token_hex(32)
    audit.record(by=by, act="password_set", subject=("user", user.actor_key))


def set_active(*, user: User, active: bool, by: Actor) -> None:
    """Shut somebody out, sessions and tokens included, or let them in again."""
    if user.active == active:
        return
    user.active = active
    user.fs_uniquifier = secrets.token_hex(32)
    act = "user_let_in" if active else "user_shut_out"
    audit.record(by=by, act=act, subject=("user", user.actor_key))


# --- tokens


def make_token(*, user: User, name: str = "", days: int = 365, by: Actor) -> str:
    """A new key for a program that acts as `user`. returns the token, which is shown once and never kept

    name  what it is for; a token needs one, so that its owner knows which to revoke
    """
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Malformed({"days": Reason("token_days", {"days": days, "most": MAX_TOKEN_DAYS})})
    token = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    row = ApiToken(
        user_id=user.id,
        name=name or f"{user.name} {now.date()}",
        hash=hash_of(token),
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(row)
    db.session.flush()
    after = {"token": row.id, "expires_at": row.expires_at.isoformat()}
    audit.record(by=by, act="token_made", subject=("user", user.actor_key), after=after)
    return token


def list_tokens(by: Actor, user: User | None = None) -> Sequence[ApiToken]:
    """Tokens of one person, or of everybody the actor sees; newest first."""
    query = select(ApiToken).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id.desc())
    if user is not None:
        query = query.where(ApiToken.user_id == user.id)
    if by.site_id is not None:
        query = query.where(User.site_id == by.site_id)
    return db.session.scalars(query).unique().all()


def find_token(token_id: int, by: Actor) -> ApiToken:
    """raises NotFound `token_unknown`"""
    token = db.session.get(ApiToken, token_id)
    if token is None or not _sees(by, token.user):
        raise NotFound("token_unknown", token=token_id)
    return token


def revoke_token(*, token: ApiToken, by: Actor) -> None:
    """End a token at once. Revoking it again changes nothing."""
    if token.revoked_at is not None:
        return
    token.revoked_at = clock.now()
    audit.record(
        by=by, act="token_revoked", subject=("user", token.user.actor_key), before={"token": token.id}
    )


def names_of(actor_keys: Iterable[str]) -> dict[str, str]:
    """What people are called who stand in the record by their key; scheduled jobs and erased people are left out."""
    query = select(User.actor_key, User.name).where(User.actor_key.in_(sorted(set(actor_keys))))
    return dict(db.session.execute(query).all())
