"""What deserves a look in a file and rejects nothing, counted over all its rows."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeWarning:
    """Something that deserves a look but rejects nothing. `count` says how many rows or columns.

    `line_numbers` are the first few of the lines that it is about, where it is about single ones.
    """

    code: str
    message: str
    count: int
    line_numbers: tuple[int, ...] = ()


class Tally:
    """Counts of warnings by code, with the first lines of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: dict[str, list[int]] = defaultdict(list)
        self._long_numbers = 0
        self._rounded_numbers = 0

    def add(self, code: str, count: int, line_numbers: Sequence[int] = ()) -> None:
        """Count `count` more; of their lines the first are kept."""
        if not count:
            return
        self.counts[code] += count
        lines = self.lines[code]
        lines += line_numbers[: max(0, _MOST_LINES - len(lines))]

    def look_at_numbers(self, numbers: Sequence[str]) -> None:
        """Notice numbers with more digits than a spreadsheet keeps."""
        long = [number for number in numbers if len(number) > 15 and number.isdigit()]
        self._long_numbers += len(long)
        self._rounded_numbers += sum(not number[15:].strip("0") for number in long)

    def all_counts(self) -> Counter[str]:
        """The counts once all rows were read."""
        counts = Counter(self.counts)
        # One that ends in a zero by chance is none; all of them are.
        if self._long_numbers and self._rounded_numbers == self._long_numbers:
            counts["numbers_look_rounded"] = self._rounded_numbers
        return counts
