"""`make screenshots`: the page's main states as pictures, from a real run on a stack of its own.

    python -m claims_pipeline_tests.screenshots [FOLDER]

Sandbox payer, sandbox realm, Dagster and the upload service are started, a person signs in with
Chromium and works, and each state is saved light and dark as FOLDER/<number>-<state>.<scheme>.png.
"""

import sys
import tempfile
from pathlib import Path

from claims_pipeline.sandbox.realm.running import running_realm
from claims_pipeline.sandbox.running import running_sandbox
from claims_pipeline_tests.browser import running_browser
from claims_pipeline_tests.screenshots.camera import Camera
from claims_pipeline_tests.screenshots.scenes import LATENCY_MS, play
from claims_pipeline_tests.upload_api.on_stack import running_stack_api

_FOLDER = Path(".claims/screenshots")


def main(folder: Path) -> None:
    """Take all pictures; Ctrl-C stops everything."""
    with (
        tempfile.TemporaryDirectory(prefix="claims-screenshots-") as home,
        running_sandbox(latency_ms=LATENCY_MS) as sandbox,
        running_realm() as realm,
        running_stack_api(
            Path(home) / "home", sandbox, realm, settings={"CLAIMS_QUERY_THREADS": "4"}
        ) as stack,
        running_browser() as browser,
    ):
        play(browser, stack, Camera(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else _FOLDER)
