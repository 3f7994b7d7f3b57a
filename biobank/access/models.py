"""Sites, the people who sign in, and the tokens of their programs."""

from datetime import datetime

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import Column, ForeignKey, Index, String, Table, Text
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from biobank.core.db import Base, BigKey, UTCDateTime


class Site(Base):
    """One establishment. Nobody sees another site's samples."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    """Short name, such as IPC."""
    name: Mapped[str] = mapped_column(String(200))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Station(Base):
    """A computer with a scanner at a bench. Browsers are told which one they are; it proves nothing about who acts."""

    __tablename__ = "station"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    """Its number, on a label beside the screen."""
    name: Mapped[str] = mapped_column(String(200))
    """What people call it: "Reception bench"."""
    prefix: Mapped[str] = mapped_column(String(20), default="")
    """What its scanner types before every code."""
    suffix: Mapped[str] = mapped_column(String(20), default="")
    """What its scanner types after every code, before Enter or Tab."""
    printer: Mapped[str | None] = mapped_column(String(40))
    """The name of a printer in the settings; NULL: labels are shown, and printed by the browser."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user_account.id"), primary_key=True),
    Column("role_id", ForeignKey("role.id"), primary_key=True),
)


class Role(Base, RoleMixin):
    """technician, manager, committee, researcher, dpo or administrator; what each may do is `permissions.ROLES`."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)


class User(Base, UserMixin):
    """Somebody who signs in."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    """What one types at sign-in."""
    email: Mapped[str | None] = mapped_column(String(254))  # type: ignore[assignment]
    """Where letters go; not a name to sign in with."""
    password: Mapped[str | None] = mapped_column(String(255))
    """Argon2id hash; NULL: cannot sign in to pages."""
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    """Names the sessions; changing it ends them all."""
    actor_key: Mapped[str] = mapped_column(String(64), unique=True)
    """Random; stands for the person in the audit trail."""
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    """NULL: sees every site, and must name one where things are made."""
    language: Mapped[str | None] = mapped_column(String(5))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)

    site: Mapped[Site | None] = relationship(lazy="joined")
    roles: Mapped[MutableList[Role]] = relationship(secondary=user_role, lazy="selectin")  # type: ignore[assignment]


class ApiToken(Base):
    """A key for a program. Only its hash is kept: 256 random bits need no slow hash."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    """What it is for, in its owner's words."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token, hexadecimal."""
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used_on: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship(lazy="joined")


class SignInTry(Base):
    """A failed sign-in, kept for the throttle: in the database, so that every process counts the same."""

    __tablename__ = "sign_in_try"
    __table_args__ = (Index("ix_sign_in_try_name_at", "name", "at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    """SHA-256 of the name typed: people type passwords here."""
    at: Mapped[datetime] = mapped_column(UTCDateTime)
