"""What axe complains of on a page: nothing, where it is readable for everybody."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: Only what is wrong comes back: to hand over all that is right takes longer than to look at it.
LOOK = """async (options) => {
  const { violations } = await axe.run({ resultTypes: ["violations"], ...options });
  return violations.map(({ id, help, nodes }) => [id, help, nodes.map((node) => node.html.slice(0, 120))]);
}"""


def complaints(page: Page, *only: str) -> list[str]:
    """What axe finds, with the places; of all its rules, or of these only."""
    if not page.evaluate("'axe' in window"):  # a page is looked at more than once
        page.evaluate(Axe().axe_script)
    found = page.evaluate(LOOK, {"runOnly": list(only)} if only else {})
    return [f"{rule} ({what}): {places}" for rule, what, places in found]
