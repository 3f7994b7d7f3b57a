"""Which station this browser is: a signed cookie that outlives every sign-in. Programs say it in a header."""

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "biobank_station"
HEADER = "X-Station"
_YEARS = 5 * 365 * 24 * 3600


def asked() -> str | None:
    """The station's code that came with this request, as told; whether there is one is for others to look up."""
    if request.path.startswith("/api/"):
        return request.headers.get(HEADER, "")[:20] or None
    signed = request.cookies.get(COOKIE)
    if not signed:
        return None
    try:
        code = _signer().loads(signed)
    except BadSignature:
        return None
    return code if isinstance(code, str) else None


def remember(response: Response, code: str) -> Response:
    """From now on this browser is that station."""
    response.set_cookie(
        COOKIE, _signer().dumps(code), max_age=_YEARS, httponly=True, samesite="Lax",
        secure=bool(current_app.config["BIOBANK"]["secure_cookies"]),
    )  # fmt: skip
    return response


def forget(response: Response) -> Response:
    """This browser is no station any more."""
    response.delete_cookie(COOKIE)
    return response


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="station")
