"""Where the pages of storage hang."""

from biobank.web import pages

bp = pages.blueprint("storage", __name__)
