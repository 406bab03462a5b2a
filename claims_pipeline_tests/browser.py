"""The machine's own Chromium, driven by Playwright; nothing is downloaded.

    def test_something(browser_page: Page, page_api: Api) -> None:
        sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
        browser_page.goto(f"{page_api.url}/")

A test fails at its end when a page asked another host for anything, broke the policy that came with
it, or let an exception out of its scripts.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from claims_pipeline_tests.services import skip_for_want_of

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = ("--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
_ADDRESSES_WITHOUT_HOST = frozenset({"data", "blob", "about"})
# A busy machine takes its time.
_WAIT_S = 60


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium without a window, while the block lasts; skips where there is none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        skip_for_want_of("Chromium (the program chromium)")
    options = [*_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=_WAIT_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A person's browser: cookies and storage of its own; `options` as `Browser.new_context`."""
    context = browser.new_context(**options)
    context.set_default_timeout(_WAIT_S * 1000)
    context.set_default_navigation_timeout(_WAIT_S * 1000)
    complaints: list[str] = []

    def note_request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _ADDRESSES_WITHOUT_HOST and parts.hostname not in _THIS_MACHINE:
            complaints.append(f"asked another host: {url}")

    def note_message(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(f"broke its policy: {message.text}")

    context.on("request", lambda request: note_request(request.url))
    context.on("console", note_message)
    context.on("weberror", lambda error: complaints.append(f"script failed: {error.error}"))
    try:
        yield context
    finally:
        context.close()
    assert not complaints, "; ".join(complaints)


@contextmanager
def watched_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """One tab of a watched context."""
    with watched_context(browser, **options) as context:
        yield context.new_page()
