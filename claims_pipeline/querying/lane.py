"""One lane: leases queries, asks them with a pool of threads, settles the answers.

The lane's main thread plans, leases and settles; the threads of its pool ask. Answers are settled
together, one transaction for each 32 of them or tenth of a second, whichever comes first, so a
killed run asks at most its threads and those 32 again. What a lane knows beyond the ledger is only
how to ask: a lane may stop anywhere and another go on.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from claims_pipeline.errors import (
    CancelRequestedError,
    ErrorClass,
    PayerDownError,
    PayerError,
    PayerRefusedError,
)
from claims_pipeline.matching import Roster, match
from claims_pipeline.model import Claim
from claims_pipeline.payers.base import Answer, Payer, Submitted
from claims_pipeline.planning import Terms
from claims_pipeline.querying.calls import CallLog
from claims_pipeline.querying.conclusions import conclude
from claims_pipeline.querying.groups import plan_open_groups
from claims_pipeline.querying.outage import OutageWatch
from claims_pipeline.store.ledger.entries import (
    AnsweredQuery,
    Conclusion,
    Group,
    LeasedQuery,
    RowProgress,
    SubmittedQuery,
)
from claims_pipeline.store.ledger.ledger import Ledger

_SETTLE_AFTER_ANSWERS = 32
_SETTLE_AFTER_S = 0.1
_IDLE_WAIT_S = 0.5
_LOOK_AGAIN_AFTER = timedelta(minutes=1)
_LONGEST_BETWEEN_LOOKS = timedelta(minutes=15)
# Lanes lease ahead, and hand their pool more than it has threads, so that no thread waits while
# the main thread is in a transaction.
_LEASED_PER_THREAD = 3
_SUBMITTED_PER_THREAD = 2
# In a practice with very many rows a sweep is about thousands of them: what a lane has leased of
# them is bounded, and so is the transaction that answers them. One sweep about more than that is
# asked alone: its rows take far longer to answer than its call.
_MOST_ROWS_UNDER_WAY = 20_000
_MOST_ROWS_SETTLED = 5_000


@dataclass(slots=True, kw_only=True)
class _Work:
    """A leased query on its way: searched, its matched claims being enriched."""

    leased: LeasedQuery
    answer: Answer | None = None
    submitted: Submitted | None = None
    candidates: dict[int, list[Claim]] = field(default_factory=dict)
    to_enrich: int = 0


def drain(
    ledger: Ledger,
    payer: Payer,
    *,
    terms: Terms,
    calls: CallLog,
    stop: threading.Event,
    leave: threading.Event | None = None,
    on_progress: Callable[[], None],
) -> datetime | None:
    """Ask until no row of the upload is open and no other lane is asking.

    Where answers come later it returns when all that is left is to await them, and gives the moment
    at which the first of them may be there; None when nothing is awaited.

    Args:
        ledger: this lane's access to the attempt's queries.
        payer: what is asked; its transport must watch `stop` and report calls to `calls`.
        terms: the upload's options, the payer's day and the number of threads.
        calls: where the transport reports its calls; they are written with each checkpoint.
        stop: set by anyone to end before the next call.
        leave: set when this process is to end: the calls that are out are finished and kept, and
            what is left is given back to other lanes at once.
        on_progress: called about ten times a second at most, after something was settled.

    Raises:
        PayerRefusedError: the payer refuses our credentials; what was answered is kept.
        PayerDownError: the payer answers nobody; what was answered is kept, the rest stays open.
        HoldLostError, CancelRequestedError: from the ledger's checkpoints.

    """
    lane = _Lane(
        ledger,
        payer,
        terms=terms,
        calls=calls,
        stop=stop,
        leave=leave or threading.Event(),
        on_progress=on_progress,
    )
    lane.run()
    return lane.next_look_at


class _Lane:
    def __init__(
        self,
        ledger: Ledger,
        payer: Payer,
        *,
        terms: Terms,
        calls: CallLog,
        stop: threading.Event,
        leave: threading.Event,
        on_progress: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._payer = payer
        self._terms = terms
        self._calls = calls
        self._stop = stop
        self._leave = leave
        self._on_progress = on_progress
        self._ready: deque[LeasedQuery] = deque()
        self._enrichments: deque[tuple[_Work, Claim]] = deque()
        self._running: dict[Future[object], tuple[_Work, Claim | None]] = {}
        self._answered: list[AnsweredQuery] = []
        self._submitted: list[SubmittedQuery] = []
        self.next_look_at: datetime | None = None
        self._answered_since = 0.0
        self._refused: dict[Group, PayerError] = {}
        self._watch = OutageWatch(payer)
        # Queries that were given up because the payer is down, while calls are still out.
        self._not_asked: list[LeasedQuery] = []
        self._planned_at = 0.0
        self._ran_dry_at = 0.0
        self._rows_under_way = 0

    def run(self) -> None:
        pool = ThreadPoolExecutor(self._terms.threads, thread_name_prefix="payer")
        try:
            while self._step(pool):
                pass
        except BaseException:
            # Also for the interrupt that ends a cancelled run: no thread begins a further call.
            self._stop.set()
            raise
        finally:
            try:
                pool.shutdown(wait=False, cancel_futures=True)
                self._wait_for_calls()
            finally:
                # A run that is stopping already may be interrupted as well; a call made is counted.
                self._wait_for_calls()
                self._ledger.record_calls(self._payer.name, self._calls.take())

    def _wait_for_calls(self) -> None:
        # The futures, not the threads: an interrupted `Thread.join` takes the thread for ended and
        # the next one returns at once (python/cpython#90882, fixed in 3.13).
        wait([call for call in self._running if not call.cancelled()])

    def _step(self, pool: ThreadPoolExecutor) -> bool:
        """One turn: fill the pool, wait a little, settle. False when all is done."""
        if self._stop.is_set():
            raise CancelRequestedError
        if self._leave.is_set():
            return self._leave_off(pool)
        self._refill()
        self._submit(pool)
        if self._running:
            self._collect()
        if self._not_asked and not self._running:
            self._go_on_or_leave()
        if self._is_time_to_settle():
            self._settle()
        is_idle = not (self._running or self._ready or self._has_news or self._enrichments)
        if self._is_time_to_plan(is_idle) and plan_open_groups(
            self._ledger, self._payer, self._terms
        ):
            self._ran_dry_at = 0.0
            return True
        if not is_idle:
            return True
        if not self._ledger.others_are_asking():
            self.next_look_at = self._ledger.next_look_at() if self._awaits_answers else None
            return False
        self._stop.wait(_IDLE_WAIT_S)
        return True

    def _leave_off(self, pool: ThreadPoolExecutor) -> bool:
        """Finish what was begun, begin no further search; False when the rest is given back."""
        self._ledger.renew_if_due()
        self._ready.clear()
        for future, (_, claim) in list(self._running.items()):
            if claim is None and future.cancel():
                del self._running[future]
        self._submit(pool)
        if self._running:
            self._collect()
        if self._is_time_to_settle():
            self._settle()
        # The search that ended last may want details of its claims; without them it were in vain.
        may_enrich = not self._not_asked and not self._watch.is_down
        if self._running or (self._enrichments and may_enrich):
            return True
        self._ledger.release()
        return False

    def _is_time_to_plan(self, is_idle: bool) -> bool:  # noqa: FBT001 - private, one caller
        """Plan when idle, and now and then while threads are free: one group may be ahead."""
        now = time.monotonic()
        has_free_threads = (
            not self._ready and len(self._running) < self._terms.threads and self._room_for_rows > 0
        )
        if not is_idle and not (has_free_threads and now - self._planned_at >= _IDLE_WAIT_S):
            return False
        self._planned_at = now
        return True

    @property
    def _room_for_rows(self) -> int:
        """How many rows more may be under way."""
        return _MOST_ROWS_UNDER_WAY - self._rows_under_way

    def _refill(self) -> None:
        """Lease for half of the threads at least, so that a transaction serves many queries."""
        under_way = len(self._ready) + len(self._running)
        wanted = self._terms.threads * _LEASED_PER_THREAD - under_way
        is_dry = under_way > 0 and time.monotonic() - self._ran_dry_at < _IDLE_WAIT_S
        is_full = self._room_for_rows <= 0 or (wanted < self._terms.threads and under_way)
        if self._not_asked or is_dry or is_full:
            self._ledger.renew_if_due()
            return
        leased = self._ledger.lease(wanted, most_rows=self._room_for_rows)
        self._ready.extend(leased)
        self._rows_under_way += _rows_of(leased)
        if len(leased) < wanted and self._room_for_rows > 0:
            self._ran_dry_at = time.monotonic()

    def _submit(self, pool: ThreadPoolExecutor) -> None:
        most = self._terms.threads * _SUBMITTED_PER_THREAD
        while len(self._running) < most and not self._not_asked:
            if self._enrichments:
                work, claim = self._enrichments.popleft()
                self._running[pool.submit(self._enrich, work, claim)] = (work, claim)
            elif self._ready:
                work = _Work(leased=self._ready.popleft())
                self._running[pool.submit(self._search, work)] = (work, None)
            else:
                return

    def _search(self, work: _Work) -> None:
        """In a thread: ask, and find the rows that each claim could answer."""
        query = work.leased.query
        refusal = self._refused.get(Group(tin=query.tin, payer_id=query.payer_id))
        # What was submitted before has an answer of its own.
        if refusal is not None and work.leased.reference is None:
            raise refusal
        answer = self._asked(work.leased)
        if isinstance(answer, Submitted):
            work.submitted = answer
            return
        roster = Roster(work.leased.requests)
        for claim in answer.claims:
            for number in roster.candidates(claim):
                work.candidates.setdefault(number, []).append(claim)
        work.answer = answer

    def _asked(self, leased: LeasedQuery) -> Answer | Submitted:
        """The answer, or the word that it comes later; what was submitted is only looked for."""
        if leased.reference is None:
            return self._watch.search(leased.query)
        try:
            found = self._watch.look(leased.reference, leased.query)
        except PayerError as error:
            if error.error_class is not ErrorClass.TRANSIENT or error.is_answer:
                raise
            # It may be there all the same: a look that fails is made again, and nothing sent.
            found = Submitted(
                reference=leased.reference, next_look_at=datetime.now(UTC) + _LOOK_AGAIN_AFTER
            )
        is_late = (
            leased.submitted_at is not None
            and datetime.now(UTC) - leased.submitted_at >= self._terms.answer_patience
        )
        if not isinstance(found, Submitted):
            return found
        if is_late:
            raise PayerError(
                ErrorClass.TRANSIENT,
                "no_answer",
                "The payer took the question and never answered it. Retry later.",
                is_answer=True,
            )
        return _ever_rarer(found, leased.submitted_at)

    def _enrich(self, work: _Work, claim: Claim) -> Claim:
        """In a thread: fetch a matched claim's detail and payments."""
        if self._watch.is_down:
            raise PayerDownError
        transaction = work.answer.transaction if work.answer else None
        level = self._terms.options.detail_level
        return self._payer.enrich(claim, transaction=transaction, level=level)

    def _collect(self) -> None:
        timeout = _SETTLE_AFTER_S if self._has_news else _IDLE_WAIT_S
        done, _ = wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            work, claim = self._running.pop(future)
            try:
                outcome = future.result()
            except PayerDownError:
                self._put_aside(work, claim)
                continue
            except PayerError as error:
                self._fail(work, error)
                continue
            if work.submitted is not None:
                self._note_news()
                self._submitted.append(SubmittedQuery(leased=work.leased, submitted=work.submitted))
                continue
            if claim is None:
                self._queue_enrichments(work)
            elif isinstance(outcome, Claim):
                _replace_claim(work, claim, outcome)
                work.to_enrich -= 1
            if work.to_enrich == 0:
                self._keep(
                    AnsweredQuery(
                        leased=work.leased, answer=work.answer, candidates=work.candidates
                    )
                )

    def _put_aside(self, work: _Work, claim: Claim | None) -> None:
        """Keep what the payer was down for."""
        if claim is None:
            self._not_asked.append(work.leased)
        else:
            self._enrichments.appendleft((work, claim))

    def _go_on_or_leave(self) -> None:
        """No call is out any more: stop asking, unless the payer is back already.

        A run that comes back from waiting has one thread try the payer while the breaker keeps
        the others off, so those that saw it down may have been wrong by a moment.
        """
        if self._watch.is_down:
            self._settle()
            self._ledger.release()
            raise PayerDownError
        self._ready.extendleft(reversed(self._not_asked))
        self._not_asked.clear()

    def _queue_enrichments(self, work: _Work) -> None:
        """Only claims that a row would show are worth a further call."""
        if work.answer is None or not work.answer.complete:
            return
        level = self._terms.options.detail_level
        shown: dict[int, Claim] = {}
        for request in work.leased.requests:
            claims = work.candidates.get(request.row_number, ())
            if any(self._payer.wants_detail(claim, level) for claim in claims):
                span = self._terms.span(request)
                for claim in match(request, claims, searched=span.window).claims:
                    if self._payer.wants_detail(claim, level):
                        shown[id(claim)] = claim
        work.to_enrich = len(shown)
        self._enrichments.extend((work, claim) for claim in shown.values())

    def _fail(self, work: _Work, error: PayerError) -> None:
        if error.error_class is ErrorClass.AUTH:
            self._settle()
            raise PayerRefusedError(
                "auth",
                "The payer refuses our credentials. Check the client id and secret, then retry.",
            )
        if error.error_class is ErrorClass.CONFIG:
            query = work.leased.query
            self._refused[Group(tin=query.tin, payer_id=query.payer_id)] = error
        self._keep(AnsweredQuery(leased=work.leased, error=error))

    def _keep(self, answered: AnsweredQuery) -> None:
        self._note_news()
        self._answered.append(answered)

    @property
    def _awaits_answers(self) -> bool:
        return self._payer.capabilities.asynchronous

    @property
    def _has_news(self) -> bool:
        """Whether there is anything to write down."""
        return bool(self._answered or self._submitted)

    def _note_news(self) -> None:
        if not self._has_news:
            self._answered_since = time.monotonic()

    def _is_time_to_settle(self) -> bool:
        if not self._has_news:
            return False
        return (
            len(self._answered) + len(self._submitted) >= _SETTLE_AFTER_ANSWERS
            or time.monotonic() - self._answered_since >= _SETTLE_AFTER_S
            or not self._running
        )

    def _settle(self) -> None:
        answered, self._answered = self._answered, []
        submitted, self._submitted = self._submitted, []
        self._ledger.record_calls(self._payer.name, self._calls.take())
        if submitted:
            self._ledger.record_submitted(submitted)
            self._rows_under_way -= _rows_of(item.leased for item in submitted)
        for part in _settled_together(answered):
            self._ledger.settle(part, self._conclude)
            self._rows_under_way -= _rows_of(item.leased for item in part)
        self._on_progress()

    def _conclude(self, row: RowProgress) -> Conclusion | None:
        return conclude(
            row,
            span=self._terms.span(row.request),
            environment=self._payer.environment,
            confirms=self._terms.confirms,
        )


def _ever_rarer(found: Submitted, submitted_at: datetime | None) -> Submitted:
    """Looks are made at half of the time that went by: what takes long is not asked for often."""
    moment = datetime.now(UTC)
    pause = min((moment - (submitted_at or moment)) / 2, _LONGEST_BETWEEN_LOOKS)
    return replace(found, next_look_at=max(found.next_look_at, moment + pause))


def _rows_of(leased: Iterable[LeasedQuery]) -> int:
    return sum(len(query.requests) for query in leased)


def _settled_together(answered: Sequence[AnsweredQuery]) -> Iterator[list[AnsweredQuery]]:
    """The answers in parts of so many rows; one about more is a part of its own."""
    part: list[AnsweredQuery] = []
    rows = 0
    for item in answered:
        if part and rows + len(item.leased.requests) > _MOST_ROWS_SETTLED:
            yield part
            part, rows = [], 0
        part.append(item)
        rows += len(item.leased.requests)
    if part:
        yield part


def _replace_claim(work: _Work, old: Claim, new: Claim) -> None:
    for claims in work.candidates.values():
        for position, claim in enumerate(claims):
            if claim is old:
                claims[position] = new
