"""How somebody uses a page: with a mouse, or with the keyboard alone.

Both do the same to the same things, so that one test tells the way and each hand walks it.
"""

from abc import ABC, abstractmethod

import pytest
from playwright.sync_api import FilePayload, Locator, Page

_MOST_STEPS = 150


class Hand(ABC):
    """Somebody at a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @abstractmethod
    def press(self, what: Locator) -> None:
        """Follow a link, or press a button."""

    @abstractmethod
    def choose(self, what: Locator, word: str) -> None:
        """Choose the entry of this word in a list."""

    @abstractmethod
    def tick(self, what: Locator) -> None:
        """Choose one of several radio buttons."""

    @abstractmethod
    def write(self, what: Locator, text: str) -> None:
        """Fill in a field."""

    @abstractmethod
    def hand_in(self, what: Locator, file: FilePayload) -> None:
        """Choose a file."""


class Mouse(Hand):
    """A hand that points and clicks; it types where there is no other way."""

    def press(self, what: Locator) -> None:
        what.click()

    def choose(self, what: Locator, word: str) -> None:
        what.select_option(label=word)

    def tick(self, what: Locator) -> None:
        what.click()

    def write(self, what: Locator, text: str) -> None:
        what.click()
        what.press_sequentially(text)

    def hand_in(self, what: Locator, file: FilePayload) -> None:
        with self.page.expect_file_chooser() as chooser:
            what.click()
        chooser.value.set_files([file])


class Keyboard(Hand):
    """Two hands that never leave the keys; what Tab does not reach, they do not reach."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        # Playwright takes the browser's own dialog over while somebody listens, and not at once.
        page.on("filechooser", lambda _chooser: None)

    def press(self, what: Locator) -> None:
        self._go_to(what)
        self.page.keyboard.press("Enter")

    def choose(self, what: Locator, word: str) -> None:
        self._go_to(what)
        self.page.keyboard.type(word)

    def tick(self, what: Locator) -> None:
        # Tab reaches the one of a group that is chosen; arrows lead to the others.
        name = what.get_attribute("name")
        self._go_to(self.page.locator(f'input[name="{name}"]:checked'))
        while not what.is_checked():
            self.page.keyboard.press("ArrowDown")

    def write(self, what: Locator, text: str) -> None:
        self._go_to(what)
        self.page.keyboard.type(text)

    def hand_in(self, what: Locator, file: FilePayload) -> None:
        self._go_to(what)
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Enter")
        chooser.value.set_files([file])

    def _go_to(self, what: Locator) -> None:
        what.wait_for()
        for _ in range(_MOST_STEPS):
            if what.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail("the keyboard does not reach it")
