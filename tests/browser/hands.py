"""What people do at a browser: sign in, and scan as a scanner does, which types fast and ends with Enter."""

from playwright.sync_api import Page


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    """Fill in the sign-in page, whatever its language."""
    page.goto(f"{address}/sign-in")
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    page.wait_for_load_state()


def scan(page: Page, code: str, *, ends_with: str = "Enter") -> None:
    """A scan, wherever the focus is, as a keyboard-wedge scanner sends it."""
    page.keyboard.type(code)
    page.keyboard.press(ends_with)
