"""Where the pages of distribution hang."""

from biobank.web import pages

bp = pages.blueprint("distribution", __name__)
