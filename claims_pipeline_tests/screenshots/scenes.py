"""What a person does in front of the camera: from signing in to signing out."""

import io

from playwright.sync_api import Browser, FilePayload, Page, expect
from playwright.sync_api import Error as PlaywrightError

from claims_pipeline.sandbox.running import today_in
from claims_pipeline.sandbox.samples.samples import Sampler, Shape, write_sample
from claims_pipeline.sandbox.world.world import World
from claims_pipeline_tests.browser import watched_page
from claims_pipeline_tests.screenshots.camera import WIDE, Camera
from claims_pipeline_tests.upload_api.on_stack import StackApi
from claims_pipeline_tests.upload_api.pages.session.sessions import COOKIE

# Slow enough to be seen at work.
LATENCY_MS = 900
_PAYER_TIMEZONE = "America/Chicago"
_BAD = (
    b"claim_number,first_name,last_name,date_of_birth\n"
    b"FH00000001,Ada,Example,05/10/1975\nFH00000002,Ben,Example,13/45/1988\n"
    b"FH00000003,,Example,11/02/1988\nFH00000004,Dee,Sample,05/10/75\n"
    b"FH00000005,Eli,Sample,03/09/1962\nFH00000001,Ada,Example,05/10/1975\n"
)
_CREDENTIALS_REFUSED = {"match": {"kind": "token"}, "what": {"status": 401}}


def play(browser: Browser, stack: StackApi, camera: Camera) -> None:
    """All scenes, one after the other; where one sticks, the last picture shows it."""
    with watched_page(browser, viewport=WIDE, locale="en-US", timezone_id=_PAYER_TIMEZONE) as page:
        try:
            _play(page, stack, camera)
        except (AssertionError, PlaywrightError):
            camera.take(page, "stuck")
            raise


def _play(page: Page, stack: StackApi, camera: Camera) -> None:
    url = stack.api.url
    page.goto(f"{url}/")
    camera.take(page, "realm")
    page.get_by_role("button", name="analyst-a").click()
    expect(page.get_by_role("heading", name="What is the status of your claims?")).to_be_visible()
    camera.take(page, "empty", phone=True)
    _choose_files(page, url, camera)
    stack.sandbox.set_faults([_CREDENTIALS_REFUSED])
    failed = _hand_in(page, url, "northside appeals.csv", _sample(stack, Shape.CLAIMS, 12))
    stack.wait_for_end(failed)
    stack.sandbox.set_faults([])
    done = _hand_in(page, url, "denials april to june.csv", _sample(stack, Shape.CLAIMS, 150))
    stack.wait_for_end(done)
    busy = _hand_in(page, url, "aging over 90 days.csv", _sample(stack, Shape.PATIENTS, 900))
    _watch(page, stack, camera, busy)
    _read(page, url, camera, done=done, failed=failed)
    _leave(page, url, camera)


def _choose_files(page: Page, url: str, camera: Camera) -> None:
    page.goto(f"{url}/uploads/new")
    camera.take(page, "form", phone=True)
    _choose(page, "april.csv", _BAD)
    expect(page.locator("mark").first).to_be_visible()
    camera.take(page, "form-errors", phone=True)
    _choose(page, "april.xlsx", b"PK\x03\x04" + b"\0" * 99)
    expect(page.get_by_role("alert")).to_be_visible()
    camera.take(page, "form-refused")
    page.context.clear_cookies(name=COOKIE)
    _choose(page, "april.csv", _BAD)
    expect(page.get_by_role("dialog")).to_be_visible()
    camera.take(page, "session-ended", whole=False)
    # Keycloak, or what stands in for it, still knows who it is.
    page.goto(f"{url}/sign-in")


def _watch(page: Page, stack: StackApi, camera: Camera, busy: str) -> None:
    url = stack.api.url
    page.goto(f"{url}/uploads/{busy}")
    expect(page.locator("main")).to_contain_text("What to do next")
    expect(page.locator("main")).not_to_contain_text("No claim has been found yet")
    camera.take(page, "upload-running", phone=True)
    page.goto(f"{url}/uploads")
    expect(page.locator("tbody tr").first).to_contain_text("found")
    camera.take(page, "list", phone=True)
    page.locator("tbody").get_by_role("link", name="Cancel").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    camera.take(page, "list-dialog", whole=False)
    page.get_by_role("dialog").get_by_role("button", name="Cancel the upload").click()
    page.wait_for_url(f"**/uploads/{busy}")
    # With the end the page would come anew by itself, just as we go to it.
    page.goto("about:blank")
    stack.wait_for_end(busy)
    page.goto(f"{url}/uploads/{busy}")
    camera.take(page, "upload-cancelled")


def _read(page: Page, url: str, camera: Camera, *, done: str, failed: str) -> None:
    page.goto(f"{url}/uploads/{done}")
    camera.take(page, "upload-done", phone=True)
    for part in ("results", "rejected", "attempts"):
        page.goto(f"{url}/uploads/{done}/{part}")
        camera.take(page, f"upload-{part}", phone=part == "results")
    page.goto(f"{url}/uploads/{done}/results")
    for number in (1, 2):
        page.get_by_label(f"Pick row {number}", exact=True).check()
    camera.take(page, "upload-picked", whole=False)
    page.goto(f"{url}/uploads/{failed}")
    camera.take(page, "upload-failed")


def _leave(page: Page, url: str, camera: Camera) -> None:
    page.goto(f"{url}/uploads/nothing-of-ours")
    camera.take(page, "nothing-there")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    camera.take(page, "signed-out")
    page.goto(f"{url}/")
    page.get_by_role("button", name="nobody").click()
    expect(page.locator("main")).to_contain_text("belong to an organization")
    camera.take(page, "no-organization")


def _hand_in(page: Page, url: str, name: str, content: bytes) -> str:
    """Upload by the form; the upload's id."""
    page.goto(f"{url}/uploads/new")
    _choose(page, name, content)
    expect(page.locator(".findings")).to_be_visible()
    page.get_by_role("button", name="Upload and process").click()
    page.wait_for_url("**/uploads/*-*-*")
    return page.url.rpartition("/")[2]


def _choose(page: Page, name: str, content: bytes) -> None:
    chosen: FilePayload = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.locator("#file").set_input_files(chosen)


def _sample(stack: StackApi, shape: Shape, rows: int) -> bytes:
    """A CSV of people whom the sandbox knows, and some whom it does not."""
    world = World(
        seed=stack.sandbox.seed, today=today_in(_PAYER_TIMEZONE)(), practices=2, claims_per_day=20
    )
    text = io.StringIO(newline="")
    write_sample(Sampler(world, shape).rows(rows), shape=shape, sample=text, answers=None)
    return text.getvalue().encode()
