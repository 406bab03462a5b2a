"""Pictures of numbers as inline SVG, drawn by the server.

Pure: numbers and words in, markup out. Colours are the style sheet's, by class: browsers run under
a policy that lets no style stand in the markup. Every picture names what it shows for those who
cannot see it, and a table stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

_STRIP_WIDTH = 1000  # it is stretched to whatever room there is
_STRIP_HEIGHT = 20
_GAP = 2
_LEAST_WIDTH = 4  # however few there are, they are there

_BARS_WIDTH = 360
_WORDS_HEIGHT = 17
_BAR_HEIGHT = 6
_BAR_PITCH = 8
_GROUP_GAP = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the parts of a whole; `colour` is a class of the style sheet."""

    word: str
    number: int
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A name and its amounts, one for each of the chart's series."""

    word: str
    amounts: tuple[Decimal, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the bars of one colour mean."""

    word: str
    colour: str


def strip(parts: Sequence[Part], *, title: str) -> Markup:
    """One bar, cut into the parts of a whole; nothing where there is no part."""
    there = [part for part in parts if part.number > 0]
    if not there:
        return Markup("")
    free = _STRIP_WIDTH - _GAP * (len(there) - 1)
    pieces: list[Markup] = []
    x = 0.0
    for part, width in zip(there, _widths([part.number for part in there], free), strict=True):
        told = f"{part.word}: {part.number:,}"
        pieces.append(_bar(part.colour, told, x=x, y=0, width=width, height=_STRIP_HEIGHT))
        x += width + _GAP
    return Markup(
        '<svg class="chart strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}. {}.">{}</svg>'
    ).format(
        _STRIP_WIDTH,
        _STRIP_HEIGHT,
        title,
        ", ".join(f"{part.word} {part.number:,}" for part in there),
        Markup("").join(pieces),
    )


def grouped_bars(rows: Sequence[Bars], series: Sequence[Series], *, title: str) -> Markup:
    """For each row its name, its first amount and a bar of each series, all to one scale.

    Amounts below zero have no bar.
    """
    if not rows:
        return Markup("")
    largest = max(max(row.amounts) for row in rows)
    pieces: list[Markup] = []
    top = 0
    for row in rows:
        bars = [
            (amount, text, kind)
            for amount, text, kind in zip(row.amounts, row.texts, series, strict=True)
            if amount > 0
        ]
        pieces.append(
            Markup(
                '<text x="0" y="{0}">{1}</text><text class="amount" x="{2}" y="{0}">{3}</text>'
            ).format(top + _WORDS_HEIGHT // 2, row.word, _BARS_WIDTH, row.texts[0])
        )
        top += _WORDS_HEIGHT
        for amount, text, kind in bars:
            told = f"{row.word}, {kind.word.lower()}: {text}"
            width = max(float(amount / largest) * _BARS_WIDTH, 1.0)
            pieces.append(_bar(kind.colour, told, x=0, y=top, width=width, height=_BAR_HEIGHT))
            top += _BAR_PITCH
        top += _GROUP_GAP
    return Markup(
        '<svg class="chart bars" viewBox="0 0 {} {}" role="img" aria-label="{}. {}.">{}</svg>'
    ).format(
        _BARS_WIDTH,
        top - _GROUP_GAP,
        title,
        "; ".join(_told(row, series) for row in rows),
        Markup("").join(pieces),
    )


def _bar(colour: str, told: str, *, x: float, y: float, width: float, height: float) -> Markup:
    return Markup(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"><title>{}</title></rect>'
    ).format(colour, _short(x), _short(y), _short(width), _short(height), told)


def _told(row: Bars, series: Sequence[Series]) -> str:
    amounts = zip(series, row.texts, strict=True)
    return f"{row.word}: " + ", ".join(f"{kind.word.lower()} {text}" for kind, text in amounts)


def _widths(numbers: Sequence[int], free: float) -> list[float]:
    """Widths in the numbers' proportion, none too thin to be seen, which add up to `free`."""
    whole = sum(numbers)
    widths = [max(free * number / whole, _LEAST_WIDTH) for number in numbers]
    too_much = sum(widths) - free
    widest = max(range(len(widths)), key=widths.__getitem__)
    widths[widest] -= too_much
    return widths


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
