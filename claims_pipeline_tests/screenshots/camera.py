"""Takes pictures of a page as it stands, light and dark, wide and on a phone."""

from pathlib import Path

from playwright.sync_api import Page

from claims_pipeline_tests.accessibility import SCHEMES

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


class Camera:
    """Saves pictures into one folder, numbered in the order of taking."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._taken = 0

    def take(self, page: Page, state: str, *, phone: bool = False, whole: bool = True) -> None:
        """One state in both schemes; with `phone` as there too, without `whole` what fits."""
        self._taken += 1
        # An animation in the middle makes every picture another one.
        page.emulate_media(reduced_motion="reduce")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            self._save(page, f"{state}.{scheme}", whole=whole)
            if phone:
                page.set_viewport_size(PHONE)
                self._save(page, f"{state}.phone-{scheme}", whole=whole)
                page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")

    def _save(self, page: Page, name: str, *, whole: bool) -> None:
        path = self._folder / f"{self._taken:02}-{name}.png"
        page.screenshot(path=path, full_page=whole)
        print(path, flush=True)
