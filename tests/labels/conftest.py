"""What every test of labels may ask for: the renderer that shows what a printer would print."""

from tests.labels.zpl_renderer import zpl_renderer

__all__ = ["zpl_renderer"]
