"""Shapes of what the bench is told at the edge."""

from marshmallow import validate

from biobank.bench.kept import WAYS
from biobank.web.schemas import SafeString, Schema


class SettleSchema(Schema):
    """What a scan was that nobody recognised."""

    was = SafeString(load_default=None, allow_none=True, max_length=256)


class StationScanSchema(Schema):
    """One scan at a station."""

    raw = SafeString(required=True, max_length=256)
    key = SafeString(load_default=None, allow_none=True, max_length=36)
    session = SafeString(load_default=None, allow_none=True, max_length=36)
    position = SafeString(load_default=None, allow_none=True, max_length=10)
    scanned_at = SafeString(load_default=None, allow_none=True, max_length=40)
    how = SafeString(load_default=None, allow_none=True, validate=validate.OneOf(WAYS))
