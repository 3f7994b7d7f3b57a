"""What the pages of access share: their blueprint."""

from biobank.web import pages

bp = pages.blueprint("access", __name__)
