"""What axe-core, a checker that others wrote, finds wrong with a page in a real browser.

assert violations(browser_page) == []
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# At 1280 px this is what zooming to 400 % leaves.
NARROWEST_PX = 320


def violations(page: Page) -> list[str]:
    """Every rule that is broken as the page stands, light and dark, each with its places."""
    found: list[str] = []
    # Colours that fade in are none of the colours that stay.
    page.emulate_media(reduced_motion="reduce")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        answer = Axe().run(page).response
        found += [
            f"{scheme}: {rule['id']} at {node['target']}: {node['failureSummary']}"
            for rule in answer["violations"]
            for node in rule["nodes"]
        ]
    page.emulate_media(color_scheme="light")
    return found


def lost_when_narrow(page: Page) -> list[str]:
    """What reaches beyond a window of 320 px and cannot be scrolled to, each by its tag and class.

    Tables may be scrolled in a frame of their own, never the page as a whole.
    """
    with _narrow(page):
        found: list[str] = page.evaluate(
            """() => [...document.querySelectorAll("body *")]
                .filter(each => {
                    const box = each.getBoundingClientRect();
                    return box.width > 0 && box.right > document.documentElement.clientWidth + 1
                        && !each.closest(".scroll, .visually-hidden, dialog:not([open])");
                })
                .map(each => `${each.tagName}.${each.className}`)"""
        )
        width = page.evaluate("document.documentElement.scrollWidth")
    return found if width > NARROWEST_PX else []


@contextmanager
def _narrow(page: Page) -> Iterator[None]:
    before = page.viewport_size
    page.set_viewport_size({"width": NARROWEST_PX, "height": 800})
    try:
        yield
    finally:
        if before is not None:
            page.set_viewport_size(before)
