"""How figures are asked for, and how they are answered. They never query."""

from typing import Any

from marshmallow import fields, validate

from biobank.reports.rules import DIMENSIONS
from biobank.reports.sheets import FORMATS
from biobank.web.schemas import Code, SafeString, Schema

_DAY = "%Y-%m-%d"


class ThroughputQuery(Schema):
    """?from=2012-01-01&to=2012-12-31&by=month,study"""

    from_on = fields.Date(_DAY, data_key="from", required=True, metadata={"description": "the first day"})
    to_on = fields.Date(_DAY, data_key="to", required=True, metadata={"description": "the last day"})
    by = fields.List(
        SafeString(max_length=80, blank=True),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={
            "description": f"of {', '.join(DIMENSIONS)}: one, several with commas between, or repeated"
        },
    )
    site = Code(
        load_default=None, max_length=40, metadata={"description": "one site's code; all unless given"}
    )
    format = SafeString(load_default="json", validate=validate.OneOf(list(FORMATS)))


class GroupSchema(Schema):
    month = fields.String()
    study = fields.String()
    type = fields.String()
    site = fields.String()
    samples_treated = fields.Integer()
    samples_stored = fields.Integer()


class ThroughputSchema(Schema):
    """The figures of one period."""

    samples_treated = fields.Integer()
    samples_stored = fields.Integer(metadata={"description": "when the period ends"})
    unknown_time = fields.Integer(metadata={"description": "treated nobody knows when; in no other number"})
    samples_stored_at_start = fields.Integer()
    from_on = fields.Date(data_key="from")
    to_on = fields.Date(data_key="to")
    site = fields.String(allow_none=True)
    by = fields.List(fields.String())
    groups = fields.List(fields.Nested(GroupSchema))


def asked(data: dict[str, Any]) -> dict[str, Any]:
    """What a query says, as `service.throughput` takes it."""
    names = [name.strip() for text in data["by"] for name in text.split(",")]
    return {
        "from_on": data["from_on"],
        "to_on": data["to_on"],
        "by_dimensions": [name for name in names if name],
        "site": data["site"],
    }
