"""The code of a pick list: the request's number and an L, printed on the list and scanned at the freezer. Pure."""

from biobank.core import scans
from biobank.core.accession import parse_number
from biobank.core.errors import Malformed

SIGN = "L"


def pick_list_code(request_code: str) -> str:
    """What is printed on the list of tubes to fetch.

    >>> pick_list_code("R00000142")
    'R00000142L'
    """
    return f"{request_code}{SIGN}"


def request_of(text: str) -> str | None:
    """The request whose list it is; None for any other text.

    >>> request_of("R00000142L"), request_of("R00000143L")
    ('R00000142', None)
    """
    number = text.removesuffix(SIGN)
    if number == text:
        return None
    try:
        parse_number(number)
    except Malformed:
        return None
    return number


scans.derive("pick_list", request_of)
