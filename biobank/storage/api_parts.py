"""Where the API of storage hangs."""

from biobank.web.api import blueprint

bp = blueprint("storage", __name__)
