"""Shapes of sites, people and tokens at the edge."""

from marshmallow import fields, validate

from biobank.access.permissions import ROLES
from biobank.core.i18n import N_
from biobank.web.schemas import Code, SafeString, Schema


class SiteSchema(Schema):
    """One establishment."""

    code = Code(required=True, max_length=40, metadata={"description": "short name, such as IPC"})
    name = SafeString(required=True, max_length=200)


class SiteList(Schema):
    """The sites that the caller sees."""

    items = fields.List(fields.Nested(SiteSchema), required=True)


class StationSchema(Schema):
    """A bench computer with a scanner."""

    name = SafeString(required=True, max_length=200)
    site = Code(load_default=None, allow_none=True, max_length=40)
    prefix = fields.String(
        load_default="", metadata={"description": "what its scanner types before each code"}
    )
    suffix = fields.String(
        load_default="", metadata={"description": "what its scanner types after each code"}
    )
    printer = SafeString(load_default=None, allow_none=True, max_length=40)


class StationChange(Schema):
    """What may be changed of a station."""

    name = SafeString(required=True, max_length=200)
    prefix = fields.String(load_default="")
    suffix = fields.String(load_default="")
    printer = SafeString(load_default=None, allow_none=True, max_length=40)


class UserForm(Schema):
    name = Code(required=True, max_length=80)
    roles = fields.List(
        fields.String(validate=validate.OneOf(list(ROLES))),
        required=True,
        validate=validate.Length(min=1, error=N_("Choose at least one role.")),
    )
    site = Code(max_length=40)
    language = fields.String(validate=validate.OneOf(["en", "fr"]))


class TokenForm(Schema):
    user = Code(required=True, max_length=80)
    label = SafeString(required=True, max_length=80)
    days = fields.Integer()


class AccountForm(Schema):
    current = fields.String(required=True)
    password = fields.String(required=True)
