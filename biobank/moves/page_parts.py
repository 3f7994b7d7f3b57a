"""Where the pages of plans hang."""

from biobank.web import pages

bp = pages.blueprint("moves", __name__)
