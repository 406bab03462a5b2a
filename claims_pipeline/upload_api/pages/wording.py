"""How the pages write counts, money, time and states. Text only: no markup, no locale."""

from datetime import date
from decimal import Decimal

from claims_pipeline.model import UploadStatus

NOTHING = "–"

_STATUS = {
    UploadStatus.PENDING: (
        "Waiting to start",
        "quiet",
        "It starts as soon as other uploads leave room.",
    ),
    UploadStatus.PROCESSING: (
        "Asking the payer",
        "busy",
        "Answers appear as they come in.",
    ),
    UploadStatus.CANCELLING: (
        "Cancelling",
        "quiet",
        "Calls already sent to the payer finish first.",
    ),
    UploadStatus.CANCELLED: ("Cancelled", "quiet", "Answers received before that are kept."),
    UploadStatus.COMPLETED: ("Done", "good", "Every row has its answer."),
    UploadStatus.FAILED: ("Failed", "bad", "The payer gave no answers; open it to see why."),
}


def status_word(status: UploadStatus | str, not_asked: int = 0) -> str:
    """The state of an upload in words; `not_asked` rows could not be asked."""
    word = _STATUS[UploadStatus(status)][0]
    if UploadStatus(status) is UploadStatus.COMPLETED and not_asked:
        return f"{word}, {plural(not_asked, 'row')} not asked"
    return word


def status_tone(status: UploadStatus | str, not_asked: int = 0) -> str:
    """`quiet`, `busy`, `good`, `warn` or `bad`: how the state is shown, never its only sign.

    `not_asked` rows that failed or were rejected leave something to do.
    """
    tone = _STATUS[UploadStatus(status)][1]
    return "warn" if tone == "good" and not_asked else tone


def status_hint(status: UploadStatus | str) -> str:
    """A sentence about the state."""
    return _STATUS[UploadStatus(status)][2]


def count(number: int) -> str:
    """1234567 as `1,234,567`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 row`, `1,200 rows`; `many` where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(part: float, whole: float) -> str:
    """Whole percents: 100 only when all is done, 0 only when nothing is; a dash of nothing."""
    if not whole:
        return NOTHING
    if 0 < part < whole:
        return f"{min(99, max(1, round(100 * part / whole)))}%"
    return f"{round(100 * part / whole)}%"


def dollars(amount: Decimal | None) -> str:
    """`$1,234.50`, `−$12.00`; a dash where there is no amount."""
    if amount is None:
        return NOTHING
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{sign}${abs(amount):,.2f}"


def duration(seconds: float | None) -> str:
    """`8 s`, `2 min 5 s`, `1 h 20 min`; the two largest units. A dash for None."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def size(size_bytes: int) -> str:
    """`512 bytes`, `1.5 MB`, `100 MB`."""
    if size_bytes < 1024:
        return plural(size_bytes, "byte")
    amount, unit = size_bytes / 1024, "kB"
    for larger in ("MB", "GB"):
        if amount >= 1024:
            amount, unit = amount / 1024, larger
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


def day(value: date | None) -> str:
    """A calendar day as the results write it, MM/DD/YYYY; no time zone moves it."""
    return NOTHING if value is None else f"{value:%m/%d/%Y}"


def waiting_words(reason: str) -> str:
    """Why an upload does not go on just now."""
    if reason.startswith("payer"):
        return "The payer is not answering"
    if reason.startswith("awaiting"):
        return "The payer's answers come later"
    return "It was interrupted and will continue on its own"
