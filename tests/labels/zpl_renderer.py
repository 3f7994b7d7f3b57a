"""What a printer would print from our ZPL, drawn by a renderer that is not ours (.ci/zpl)."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import playwright
import pytest
from PIL import Image

from tests.conftest import missing

FOLDER = Path(__file__).resolve().parents[2] / ".ci" / "zpl"
INSTALL = "npm ci --prefix .ci/zpl --no-audit --no-fund --ignore-scripts"


class ZplRenderer:
    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process

    def draw(self, zpl: bytes, width: int, height: int) -> list[Image.Image]:
        """Every label in it as a picture of so many dots, whatever the printer's resolution."""
        # The renderer counts in millimetres at a whole number of dots each, and rounds up: eight do for any size.
        return self.draw_mm(zpl, (width - 0.5) / 8, (height - 0.5) / 8, 8)

    def draw_mm(self, zpl: bytes, width_mm: float, height_mm: float, dots_per_mm: int) -> list[Image.Image]:
        asked = {
            "zpl": zpl.decode(),
            "width_mm": width_mm,
            "height_mm": height_mm,
            "dpmm": dots_per_mm,
        }
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return [Image.open(BytesIO(base64.b64decode(png))).convert("L") for png in answer["pictures"]]


def node() -> str | None:
    """That of the machine, or the one that playwright brings for itself."""
    carried = Path(playwright.__file__).parent / "driver" / "node"
    return shutil.which("node") or (str(carried) if carried.exists() else None)


@pytest.fixture(scope="session")
def zpl_renderer() -> Iterator[ZplRenderer]:
    program = node()
    if program is None or not (FOLDER / "node_modules" / "zpl-renderer-js").is_dir():
        missing(f"the ZPL renderer is not here: {INSTALL}")
    with subprocess.Popen(
        [program, "render.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield ZplRenderer(process)
        process.stdin.close()
