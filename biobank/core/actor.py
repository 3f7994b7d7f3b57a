"""Who acts: the one thing every act is told with `by=`."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """A person, token or named scheduled job.

    key          opaque and random; the only thing of the actor that stands in the audit trail
    name         what pages show
    permissions  names of `biobank.access.permissions.Permission` members
    credential   what was shown to get in (a token's or a session's name): idempotency keys belong to it
    site_id      the site whose things this actor sees and makes; None sees every site
    station      the code of the bench computer it acts from, where that is known
    affixes      what its scanner types before and after every code
    """

    key: str
    name: str
    roles: frozenset[str] = field(default_factory=frozenset)
    permissions: frozenset[str] = field(default_factory=frozenset)
    site_id: int | None = None
    user_id: int | None = None
    credential: str = ""
    station: str | None = None
    affixes: tuple[str, str] = ("", "")

    def sees(self, site_id: int) -> bool:
        """True when things of this site may be shown to the actor."""
        return self.site_id is None or self.site_id == site_id

    def may(self, permission: str) -> bool:
        """True when the actor holds the permission of this name."""
        return permission in self.permissions


def job(name: str) -> Actor:
    """The actor of a scheduled or administrative job; it sees every site. name, e.g. ``demo``."""
    return Actor(key=f"job:{name}", name=name, roles=frozenset({"job"}))
