"""Guards every route: who may, before anything else is looked at."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from biobank.access.permissions import Permission
from biobank.core.errors import Forbidden
from biobank.web.asking import PUBLIC, actor, public

View = TypeVar("View", bound=Callable[..., Any])

#: What everybody may do who is signed in: one's own home, one's own sign-out.
SIGNED_IN = "signed in"


def requires(permission: Permission) -> Callable[[View], View]:
    """Let only those through who hold the permission. raises NotSignedIn, Forbidden"""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not actor().may(permission.value):
                raise Forbidden("forbidden_permission", permission=permission.value)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return guard


def signed_in(view: View) -> View:
    """Let anybody through who is signed in. raises NotSignedIn"""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        actor()
        return view(*args, **kwargs)

    guarded.permission = SIGNED_IN  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


__all__ = ["PUBLIC", "SIGNED_IN", "public", "requires", "signed_in"]
