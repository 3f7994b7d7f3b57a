"""Where the pages of the bench hang."""

from biobank.web import pages

bp = pages.blueprint("bench", __name__)
