"""Where the routes of the bench hang in the API."""

from biobank.web.api import blueprint

bp = blueprint("bench", __name__)
