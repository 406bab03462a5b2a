"""Whatever runs and people do in whatever order, the promises I1, I2 and I3 hold."""

from datetime import timedelta
from typing import ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from claims_pipeline.errors import CancelRequestedError, HoldLostError, InputError
from claims_pipeline.model import Outcome, RetryScope, UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.rows import results
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline_tests.store.builders import (
    NOW,
    Runs,
    answer,
    make_result,
    make_upload,
    store_rows,
)
from claims_pipeline_tests.thoroughness import examples

_ROWS = 4
_OUTCOMES = (Outcome.FOUND, Outcome.NOT_FOUND, Outcome.AMBIGUOUS, Outcome.FAILED)
_STOPPED = (HoldLostError, CancelRequestedError)


class UploadLife(RuleBasedStateMachine):
    """One upload; runs that take, work, crash and come back; people who cancel and retry."""

    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.runs = Runs(self.engine, make_upload(self.engine, sha256=uuid4().hex * 2).id)
        self.now = NOW
        self.holds: list[Hold] = []
        self.tickets: list[str] = []
        # The standing as of the last step, and whether a retry was asked for since.
        self.before = self.upload
        self.retried = False

    @property
    def upload(self) -> Upload:
        upload = get_upload(self.engine, self.runs.upload_id)
        assert upload is not None
        return upload

    @initialize(is_under_way=st.booleans())
    def begin(self, is_under_way: bool) -> None:
        if is_under_way:
            self.holds.append(self.runs.held())
            self._store_rows(self.holds[0])

    @rule(seconds=st.sampled_from([1, 31, 601]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def launch(self) -> None:
        ticket = str(uuid4())
        if attempts.issue_ticket(self.engine, self.upload.attempt_id, ticket=ticket, now=self.now):
            self.tickets.append(ticket)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def a_launch_is_thought_lost(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        attempts.void_ticket(self.engine, self.upload.attempt_id, ticket=ticket)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), has_parent=st.booleans(), is_automatic=st.booleans())
    def a_launched_run_asks(
        self, data: st.DataObject, has_parent: bool, is_automatic: bool
    ) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        self._ask(str(uuid4()), ticket, has_parent=has_parent, is_automatic=is_automatic)

    @rule(has_parent=st.booleans())
    def a_run_without_a_ticket_asks(self, has_parent: bool) -> None:
        self._ask(str(uuid4()), None, has_parent=has_parent)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def a_run_asks_again(self, data: st.DataObject) -> None:
        self._ask(self._some_hold(data).run_id, None, has_parent=False)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), is_automatic=st.booleans())
    def a_run_crashes_and_is_launched_again(self, data: st.DataObject, is_automatic: bool) -> None:
        self.runs.ended.add(self._some_hold(data).run_id)
        self._ask(str(uuid4()), None, has_parent=True, is_automatic=is_automatic)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def a_step_beats(self, data: st.DataObject) -> None:
        hold = self._some_hold(data)
        try:
            attempts.heartbeat(self.engine, hold, self.now)
        except _STOPPED:
            return
        assert self._holder() == hold.run_id

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def intake_stores_the_rows(self, data: st.DataObject) -> None:
        hold = self._some_hold(data)
        latest = attempts.latest_attempt(self.engine, self.runs.upload_id)
        assert latest is not None
        if latest.rows_stored:
            return
        try:
            self._store_rows(hold)
        except _STOPPED:
            return
        assert self._holder() == hold.run_id

    @precondition(lambda self: self.holds)
    @rule(
        data=st.data(),
        outcomes=st.dictionaries(st.integers(1, _ROWS - 1), st.sampled_from(_OUTCOMES), min_size=1),
    )
    def rows_are_answered(self, data: st.DataObject, outcomes: dict[int, Outcome]) -> None:
        hold = self._some_hold(data)
        before = results.count_outcomes(self.engine, self.runs.upload_id)
        answers = [make_result(row, outcome, claims=2) for row, outcome in outcomes.items()]
        try:
            answer(self.engine, hold, *answers)
        except _STOPPED:
            assert results.count_outcomes(self.engine, self.runs.upload_id) == before
            return
        assert self._holder() == hold.run_id

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def the_payer_is_down(self, data: st.DataObject) -> None:
        try:
            attempts.wait_for_payer(
                self.engine,
                self._some_hold(data),
                reason="payer_unavailable",
                next_try_at=self.now + timedelta(seconds=30),
                now=self.now,
            )
        except _STOPPED:
            return

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), status=st.sampled_from([UploadStatus.COMPLETED, UploadStatus.FAILED]))
    def a_run_ends_its_attempt(self, data: st.DataObject, status: UploadStatus) -> None:
        hold = self._some_hold(data)
        try:
            self._finish(hold.attempt_id, status, hold)
        except HoldLostError:
            return
        except CancelRequestedError:
            self._finish(hold.attempt_id, UploadStatus.CANCELLED, hold)

    @precondition(lambda self: self.upload.status is not UploadStatus.PENDING)
    @rule()
    def reconciliation_gives_up(self) -> None:
        self._finish(self.upload.attempt_id, UploadStatus.FAILED, None)

    @rule()
    def someone_cancels(self) -> None:
        before = self.upload.status
        after = attempts.request_cancel(self.engine, self.runs.upload_id, self.now)
        assert after == before if before.is_terminal else after.name.startswith("CANCEL")

    @rule(scope=st.sampled_from(RetryScope))
    def someone_retries(self, scope: RetryScope) -> None:
        try:
            attempts.request_retry(self.engine, self.runs.upload_id, scope, self.now)
        except InputError:
            return
        self.retried = True

    @invariant()
    def no_row_is_lost_and_none_is_counted_twice(self) -> None:
        upload = self.upload
        assert upload.counts == results.count_outcomes(self.engine, upload.id)
        broken = set(results.verify_results(self.engine, upload.id))
        if not upload.status.is_terminal:
            broken -= {"rows_without_result"}
        assert not broken
        if upload.status.is_terminal:
            assert upload.counts.with_outcome == upload.counts.total
        listed = [
            row.row.row_number for row in results.iterate_answered_rows(self.engine, upload.id)
        ]
        latest = attempts.latest_attempt(self.engine, upload.id)
        if latest is not None and latest.rows_stored:
            assert listed == list(range(1, _ROWS + 2))

    @invariant()
    def a_terminal_status_is_left_by_a_retry_only(self) -> None:
        now = self.upload
        if self.before.status.is_terminal and not self.retried:
            assert (now.status, now.attempt) == (self.before.status, self.before.attempt)
        self.before, self.retried = now, False

    def _ask(
        self, run_id: str, ticket: str | None, *, has_parent: bool, is_automatic: bool = False
    ) -> None:
        attempt_before = self.upload.attempt
        try:
            hold = self.runs.acquire(
                run_id,
                ticket=ticket,
                has_parent=has_parent,
                is_automatic_retry=is_automatic,
                now=self.now,
            )
        except CancelRequestedError:
            assert self.upload.status is UploadStatus.CANCELLING
            return
        if hold is None:
            return
        assert self._holder() == run_id
        if hold.attempt_number > attempt_before:
            # Someone re-executed an ended upload: that is an explicit retry too.
            assert not is_automatic
            self.retried = True
        if hold not in self.holds:
            self.holds.append(hold)

    def _finish(self, attempt_id: str, status: UploadStatus, hold: Hold | None) -> None:
        attempts.finish(
            self.engine,
            self.runs.upload_id,
            status,
            attempt_id=attempt_id,
            now=self.now,
            hold=hold,
        )

    def _some_hold(self, data: st.DataObject) -> Hold:
        """The latest hold most of the time, else one that may be lost."""
        return data.draw(st.just(self.holds[-1]) | st.sampled_from(self.holds))

    def _store_rows(self, hold: Hold) -> None:
        store_rows(self.engine, hold, accepted=_ROWS - 1, rejected=1, duplicates=[1])

    def _holder(self) -> str | None:
        return self.upload.run_id


@pytest.mark.hypothesis
def test_an_upload_keeps_its_promises(engine: Engine) -> None:
    UploadLife.engine = engine
    run_state_machine_as_test(
        UploadLife,
        settings=settings(
            # PostgreSQL answers slower; the rules are the same.
            max_examples=examples(40 if engine.dialect.name == "sqlite" else 10),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
