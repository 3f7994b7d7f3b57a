"""The bench of storage, for plans of moves."""

from tests.storage.conftest import bench, far_bench, other_bench

__all__ = ["bench", "far_bench", "other_bench"]
