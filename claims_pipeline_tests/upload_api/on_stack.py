"""The API beside a real stack: sandbox, code server, webserver and daemon."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.store.attempts import latest_attempt
from claims_pipeline.store.attempts.launch_tags import ATTEMPT_TAG
from claims_pipeline.store.database import writing
from claims_pipeline.store.tables import attempts, idempotency_keys
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline.store.web.idempotency import KeyState
from claims_pipeline_tests.end_to_end.drops import DropStack, dagster_settings, stack_settings
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.stack import Run, Stack, running_stack
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import post_csv

JOBS = "/api/v1/claims/csv-jobs"
JOBS_ALIAS = "/api/v1/claims/bulk/jobs"
# Of the stack on which nothing is killed.
CALM_THREADS = 4
_ENDS_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackApi:
    """A running API whose uploads are run by a real Dagster.

    `settings` are those with which another API works on the same stack, but for its webserver.
    """

    stack: Stack
    api: Api
    sandbox: Sandbox
    settings: Mapping[str, str]

    @property
    def drops(self) -> DropStack:
        """The same stack for who drops files."""
        return DropStack(self.stack, self.api.engine, self.sandbox)

    def answer_after(self, seconds: float) -> None:
        """Let the payer take so long for each call, and forget what other tests made of it."""
        self.sandbox.set_faults([{"what": {"delay_s": seconds}}])

    def let_a_minute_pass(self) -> None:
        """Have the launches that brought no run, and keys of uploads under way, waited for it."""
        minute = timedelta(seconds=61)
        with writing(self.api.engine) as connection:
            for table, column, under_way in (
                (attempts, attempts.c.launched_at, attempts.c.holder_run_id.is_(None)),
                (
                    idempotency_keys,
                    idempotency_keys.c.created_at,
                    idempotency_keys.c.state == KeyState.IN_FLIGHT,
                ),
            ):
                instants = connection.execute(select(column).where(column.is_not(None), under_way))
                for (instant,) in instants.all():
                    connection.execute(
                        update(table)
                        .where(column == instant, under_way)
                        .values({column.name: instant - minute})
                    )

    @property
    def token(self) -> str:
        """A fresh one: polling may last longer than a token."""
        return self.api.issuer.token()

    def upload(self, content: bytes, *, api: Api | None = None, **fields: str) -> str:
        """Upload as the analyst; the upload's id."""
        answer = post_csv(api or self.api, content, **fields)
        assert answer.status_code == 201, answer.text
        upload_id: str = answer.json()["id"]
        return upload_id

    def get(self, upload_id: str, path: str = "", *, family: str = JOBS) -> Any:
        """JSON of an upload, or of what is at `path` below it."""
        answer = self.api.get(f"{family}/{upload_id}/{path}", token=self.token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, upload_id: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON of a change."""
        answer = self.api.post(f"{JOBS}/{upload_id}/{path}/", token=self.token, **options)
        return answer.status_code, answer.json()

    def stored(self, upload_id: str) -> Upload:
        """The upload as the database has it."""
        upload = get_upload(self.api.engine, upload_id)
        assert upload is not None
        return upload

    def wait_until(self, condition: Callable[[], bool], *, what: str) -> None:
        """Wait while the stack lives."""
        self.stack.wait_until(condition, what=what, timeout_s=_ENDS_WITHIN_S)

    def wait_for_end(self, *upload_ids: str) -> list[UploadStatus]:
        """Wait until each has ended, and has its files if its rows were read; how they ended."""

        def has_ended(upload_id: str) -> bool:
            upload = self.stored(upload_id)
            latest = latest_attempt(self.api.engine, upload_id)
            has_files = latest is not None and latest.files_written_at is not None
            return upload.status.is_terminal and (has_files or upload.header is None)

        for upload_id in upload_ids:
            self.wait_until(lambda: has_ended(upload_id), what="the upload's end")  # noqa: B023
        return [self.stored(upload_id).status for upload_id in upload_ids]

    def runs(self, upload_id: str) -> list[Run]:
        """Runs that were launched to ask for the upload.

        Without those that only write files, which are another job's, and without Dagster's own
        retries: on a machine that is too busy a worker that comes late is given up.
        """
        runs = self.stack.dagster.runs(partition=upload_id)
        return [run for run in runs if ATTEMPT_TAG in run.tags and run.parent_run_id is None]

    def broken_promises(self, *upload_ids: str) -> list[str]:
        """What does not hold for these uploads."""
        return [
            broken
            for upload_id in upload_ids
            for broken in broken_promises(self.api.engine, self.api.files, upload_id)
        ]

    def outcomes(self, upload_id: str) -> Counter[str]:
        """Outcomes as the API tells them, by row."""
        page = self.get(upload_id, "results/?page_size=100")
        return Counter({row["row_number"]: row["outcome"] for row in page["results"]}.values())


@contextmanager
def running_stack_api(
    home: Path, sandbox: Sandbox, issuer: Issuer, *, settings: Mapping[str, str] | None = None
) -> Iterator[StackApi]:
    """Everything on `home`, asking `sandbox`; `settings` for the stack and the API alike."""
    chosen = stack_settings(home, sandbox, settings)
    home.mkdir(parents=True, exist_ok=True)
    # First without Dagster: it makes the database that the stack's processes find.
    with running_api(home, issuer, settings=chosen), running_stack(home, settings=chosen) as stack:
        told = {**chosen, **dagster_settings(stack.dagster.url)}
        with running_api(home, issuer, settings=told) as api:
            yield StackApi(stack=stack, api=api, sandbox=sandbox, settings=chosen)
