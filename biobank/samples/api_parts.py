"""Where the routes of samples hang in the API."""

from biobank.web.api import blueprint

bp = blueprint("samples", __name__)
