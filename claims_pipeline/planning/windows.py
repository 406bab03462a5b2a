"""Which days must be searched for one row, and which of them now."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from claims_pipeline.model import (
    DateWindow,
    DensityObservation,
    Request,
    UploadOptions,
    subtract_windows,
)
from claims_pipeline.payers.base import Capabilities

# How far back a patient is searched when neither the row nor the upload says.
DEFAULT_WINDOW_DAYS = 90
# A window's sweep is cut so that one thread reads about so many pages of it.
_PAGES_A_THREAD_READS = 3
_REMEMBERED_SPANS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What must be searched for one row before it may be called not found.

    `until_found`: the row names one claim and no dates, so the search stops as soon as the claim
    is there; `first_wave` is then searched before the rest of `window`. Otherwise every day of
    `window` is searched and `first_wave` equals it. `max_window_days` is the payer's longest
    search.
    """

    window: DateWindow
    first_wave: DateWindow
    until_found: bool
    max_window_days: int


def span_of(
    request: Request,
    *,
    options: UploadOptions,
    capabilities: Capabilities,
    today: date,
    slack_days: int,
) -> Span:
    """Days to search for `request`, all of them within the payer's look-back and up to today.

    The row's own dates, widened by `slack_days` on each side as long as that costs no further
    search; else the upload's dates; else the last 90 days for a patient and the whole look-back,
    newest first, for a claim number.
    """
    return _span(
        request.service,
        names_claim=request.claim_number is not None,
        options=options,
        capabilities=capabilities,
        today=today,
        slack_days=slack_days,
    )


# Rows share their dates with others, and are looked at whenever one of their queries is answered.
@lru_cache(maxsize=_REMEMBERED_SPANS)
def _span(
    service: DateWindow | None,
    *,
    names_claim: bool,
    options: UploadOptions,
    capabilities: Capabilities,
    today: date,
    slack_days: int,
) -> Span:
    askable = DateWindow(capabilities.oldest_day(today), today)
    if service is not None:
        window = _widened(
            _clipped(service, askable),
            askable=askable,
            slack_days=slack_days,
            max_days=capabilities.max_window_days,
        )
        return Span(
            window=window,
            first_wave=window,
            until_found=False,
            max_window_days=capabilities.max_window_days,
        )
    if names_claim:
        first_wave = _upload_window(
            options, askable=askable, default_days=capabilities.max_window_days
        )
        return Span(
            window=askable,
            first_wave=first_wave,
            until_found=True,
            max_window_days=capabilities.max_window_days,
        )
    window = _upload_window(options, askable=askable, default_days=DEFAULT_WINDOW_DAYS)
    return Span(
        window=window,
        first_wave=window,
        until_found=False,
        max_window_days=capabilities.max_window_days,
    )


def next_windows(
    span: Span,
    covered: Sequence[DateWindow],
    *,
    free_concurrency: int,
) -> tuple[DateWindow, ...]:
    """Windows of legal length to be covered now; empty when the row was searched to its end.

    A row that is searched to its end gets all that is uncovered. A row that is searched until
    found gets its first wave, then the rest, newest first, at most `free_concurrency` windows at
    a time (at least one): one by one is fewest calls, and threads that would else be idle may
    look further back so that a rare old claim does not wait for every newer window in turn.
    The cuts do not depend on what is covered, so rows of one upload keep asking for the same days.
    """
    if not span.until_found:
        return tuple(
            window
            for gap in subtract_windows(span.window, covered)
            for window in gap.split(span.max_window_days)
        )
    wave = _open_windows(span, tuple(covered))[: max(1, free_concurrency)]
    return tuple(gap for gaps in wave for gap in gaps)


def free_concurrency(
    *,
    open_rows: int,
    observations: Sequence[DensityObservation],
    capabilities: Capabilities,
    use_sweeps: bool,
    concurrency: int,
) -> int:
    """How many windows a wave of one group's rows may span so that `concurrency` threads are busy.

    Where singles are cheaper, each open row keeps one thread busy for each window of its wave.
    Where a sweep answers all of them, only the sweeps do: then the wave is wide, and costs next to
    nothing, because among many rows some are not found anywhere and need every window anyway.
    `observations` are those of the group; without any, rows are assumed to be asked singly.
    """
    busy_threads = max(1, open_rows)
    if use_sweeps and observations:
        counted_days = sum(observation.window.days for observation in observations)
        claims = sum(observation.claims for observation in observations)
        expected = claims / counted_days * capabilities.max_window_days
        calls = 1 + math.ceil(expected / capabilities.page_size)
        if calls < open_rows:
            busy_threads = math.ceil(calls / _PAGES_A_THREAD_READS)
    return max(1, concurrency // busy_threads)


def one_per_row_calls(
    span: Span,
    *,
    found_in: DateWindow | None,
    free_concurrency: int = 1,
) -> int:
    """Search calls that a row-by-row client with the same windows and stop rule would have spent.

    `found_in` is the window that brought the claim of a row that is searched until found, or
    None when no window did. A wave of the client counts as a whole; by default it asks one window
    after the other.
    """
    if not span.until_found:
        return -(-span.window.days // span.max_window_days)
    calls = 0
    wave_length = max(1, free_concurrency)
    for stage in _stages(span):
        for start in range(0, len(stage), wave_length):
            wave = stage[start : start + wave_length]
            calls += len(wave)
            if found_in is not None and any(window.overlaps(found_in) for window in wave):
                return calls
    return calls


# All rows of an upload that name a claim share their span, and most of them what is covered.
@lru_cache(maxsize=_REMEMBERED_SPANS)
def _open_windows(
    span: Span, covered: tuple[DateWindow, ...]
) -> tuple[tuple[DateWindow, ...], ...]:
    """What is uncovered of each window of the first stage that is not wholly covered."""
    for stage in _stages(span):
        open_windows = [gaps for window in stage if (gaps := subtract_windows(window, covered))]
        if open_windows:
            return tuple(open_windows)
    return ()


@lru_cache(maxsize=_REMEMBERED_SPANS)
def _stages(span: Span) -> tuple[tuple[DateWindow, ...], ...]:
    """The first wave, then the rest of the span: legal windows, newest first."""
    rest = subtract_windows(span.window, [span.first_wave])
    return (
        _newest_first(span.first_wave, span.max_window_days),
        tuple(
            window for gap in reversed(rest) for window in _newest_first(gap, span.max_window_days)
        ),
    )


def _newest_first(window: DateWindow, max_days: int) -> tuple[DateWindow, ...]:
    """Cut into windows of at most `max_days`, of which only the oldest may be shorter."""
    windows: list[DateWindow] = []
    last = window.last
    while last >= window.first:
        first = max(window.first, last - timedelta(days=max_days - 1))
        windows.append(DateWindow(first, last))
        last = first - timedelta(days=1)
    return tuple(windows)


def _upload_window(options: UploadOptions, *, askable: DateWindow, default_days: int) -> DateWindow:
    """The upload's own dates; an end that is not given is today, a start `default_days` earlier."""
    last = options.end_date or askable.last
    first = options.start_date or last - timedelta(days=default_days - 1)
    return _clipped(DateWindow(first, max(first, last)), askable)


def _clipped(window: DateWindow, askable: DateWindow) -> DateWindow:
    """`window` within `askable`; its nearest day when they share none."""
    return DateWindow(
        min(max(window.first, askable.first), askable.last),
        max(min(window.last, askable.last), askable.first),
    )


def _widened(
    window: DateWindow, *, askable: DateWindow, slack_days: int, max_days: int
) -> DateWindow:
    """`window` with slack on both sides, as long as it takes no further legal window."""
    before = min(slack_days, (window.first - askable.first).days)
    after = min(slack_days, (askable.last - window.last).days)
    room = -(-window.days // max_days) * max_days - window.days
    if before + after > room:
        # Share what room there is evenly; a side that cannot use its half leaves it to the other.
        before = min(before, max(room // 2, room - after))
        after = min(after, room - before)
    return DateWindow(window.first - timedelta(days=before), window.last + timedelta(days=after))
