"""Where the routes of labels hang in the API."""

from biobank.web.api import blueprint

bp = blueprint("printing", __name__)
