"""Where the routes of this feature hang: one blueprint of pages and one of the API, for all its modules."""

from biobank.web import api, pages

pages_bp = pages.blueprint("withdrawal", __name__)
api_bp = api.blueprint("withdrawal", __name__)
