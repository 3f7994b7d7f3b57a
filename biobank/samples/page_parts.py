"""Where the pages of samples hang."""

from biobank.web import pages

bp = pages.blueprint("samples", __name__)
