"""In which order tubes are fetched: as people walk through the freezers. Pure."""

from biobank.storage.walking import natural, walking_order

__all__ = ["natural", "walking_order"]
