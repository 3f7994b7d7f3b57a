"""What people do at a browser: sign in, and scan as a scanner does, which types fast and ends with Enter."""

from playwright.sync_api import Page

TRIES = 5
STUMBLE_MS = 150  # a pause that no scanner makes
PACE_MS = 40  # slower than this on the whole, it is a hand that types
WATCH = """() => {
  const field = document.activeElement, before = field.value;
  const undo = () => { document.activeElement.value = ""; field.value = before; field.focus(); };
  const pace = () => (keysSeen.last - keysSeen.first) / keysSeen.count;
  window.keysSeen = { first: null, last: null, count: 0, slowest: 0, undo, pace };
  window.onkeydown = (event) => {
    const pause = keysSeen.last === null ? 0 : event.timeStamp - keysSeen.last;
    keysSeen.slowest = Math.max(keysSeen.slowest, pause);
    keysSeen.first ??= event.timeStamp;
    keysSeen.last = event.timeStamp;
    keysSeen.count += 1;
  };
}"""


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    """Fill in the sign-in page, whatever its language."""
    page.goto(f"{address}/sign-in")
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    page.wait_for_load_state()


def scan(page: Page, code: str, *, ends_with: str | None = "Enter", delay: int = 0) -> None:
    """A scan, wherever the focus is, as a keyboard-wedge scanner sends it.

    ends_with  the key after it; None: the scanner sends none
    delay      milliseconds between two characters: a scanner by radio is slow, and as even as the others

    A scanner never stops in the middle of a code, but a busy machine that plays one may: it then types the code anew.
    """
    for _try in range(TRIES):
        page.evaluate(WATCH)
        page.keyboard.type(code, delay=delay)
        slowest, pace = page.evaluate("keysSeen.slowest"), page.evaluate("keysSeen.pace()")
        if slowest < STUMBLE_MS + delay and pace < PACE_MS + delay:
            break
        page.evaluate("keysSeen.undo()")
        page.wait_for_timeout(2 * (STUMBLE_MS + delay))
    if ends_with:
        page.keyboard.press(ends_with)
