"""Containers, and what stands where in them."""

import pytest

from biobank.storage import service as storage


def test_smoke(bench):
    freezer = bench.container("freezer_minus80")
    rack = bench.container("drawer_rack", parent=freezer)
    box = bench.container(parent=rack)
    tube = bench.tube()
    bench.place(box, "b7", sample=tube)
    assert storage.where_is([tube.id]) == 1
