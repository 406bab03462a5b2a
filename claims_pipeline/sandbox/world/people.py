"""The synthetic patients of the sandbox's practices.

Their birth dates are chosen so that the right answer to a row is certain. All of them have the
same check digit, so no two differ in just one digit; and no two differ by day and month swapped.
People who share a birth date never share a last name, except the twins.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from math import gcd

from claims_pipeline.names import folded_name
from claims_pipeline.sandbox.world.dice import Dice

LAST_NAMES = tuple(
    """
    ABBOTT ACOSTA ALVAREZ ANDREWS BAKER BARNES BECKER BENNETT BISHOP BOWMAN BRADLEY BURKE CALDWELL
    CARDENAS CASTILLO CHANDLER CHAVEZ COLEMAN CORTEZ CRAWFORD DALTON DAWSON DELGADO DIXON DOMINGUEZ
    DUNCAN ELLIOTT ESPINOZA FARRELL FERGUSON FISCHER FLEMING FUENTES GALLAGHER GARCIA GIBBONS GOMEZ
    GRIFFIN GUERRERO HAMMOND HARDING HERRERA HOLLOWAY HUBBARD IBARRA INGRAM JARVIS JENNINGS KAMINSKI
    KELLER KIRBY LAMBERT LARSEN LEBLANC LOWERY MADDOX MALDONADO MARQUEZ MCKENNA MENDOZA MERCER
    MONTOYA MULLER NAVARRO NEWTON NORRIS NUNEZ OBRIEN OCONNOR OLSEN ORTEGA PADILLA PARRISH PENA
    PRESTON QUINN RAMIREZ REEVES RIVAS ROMERO ROWLAND SALAZAR SANTANA SAWYER SHEPHERD SKINNER
    STANTON SUTTON TALBOT THORNTON TREVINO UNDERWOOD VALDEZ VAUGHN VILLARREAL WAGNER WARREN WEAVER
    WHITAKER YATES ZIMMERMAN
    """.split()  # noqa: SIM905 - a list of names reads better as text
)
# Only ever the second half of a double name, so that no half of one is somebody else's name.
SECOND_LAST_NAMES = tuple(
    """
    ASHBY BLACKWOOD CRANE DUVALL EASTMAN FAIRCHILD GRANGER HARTLEY IRONS LOCKHART MARLOWE
    NIGHTINGALE OAKLEY PEMBROKE RADCLIFFE SINCLAIR
    """.split()  # noqa: SIM905 - a list of names reads better as text
)
FIRST_NAMES = tuple(
    """
    AARON ALICE AMELIA ANDRE ANGELA BEATRICE BERNARD BRENDA BRUCE CARLOS CECILIA CHLOE CLAUDE
    DENISE DIEGO DOUGLAS EDGAR EDWARD ELENA ELIZABETH ERIC ESTHER FELIX FERNANDO FIONA FRANCES
    GEORGE GLORIA GRANT HAROLD HEIDI HELEN HUGO INES IRENE ISAAC JAMES JANET JESUS JOSE JOSEPH
    JOYCE KAREN KATHERINE KEVIN LEONARD LOUISE LUCIA LUTHER MARGARET MARTIN MICHAEL MILDRED MONICA
    NATHANIEL NINA NOAH NORMAN OLIVIA OSCAR PAULA PEDRO PHYLLIS RALPH RENE RICHARD ROBERT ROSA
    RUTH SAMUEL SERGIO SIMON SOFIA STELLA SUSAN THERESA THOMAS URSULA VERA VICTOR VIRGINIA WANDA
    WILLIAM WINSTON YOLANDA
    """.split()  # noqa: SIM905 - a list of names reads better as text
)
# Two names with the same beginning: a row that gives only the beginning means either twin.
TWIN_NAMES = (
    ("CHRISTOPHER", "CHRISTIAN", "CHRIS"),
    ("JONATHAN", "JONAS", "JON"),
    ("ALEXANDER", "ALEXIS", "ALEX"),
    ("DANIELLE", "DANICA", "DANI"),
    ("MARIANNE", "MARIELLA", "MARI"),
)
NICKNAMES = {
    "EDWARD": "TED",
    "ELIZABETH": "BETH",
    "JAMES": "JIM",
    "JOSEPH": "JOE",
    "KATHERINE": "KATE",
    "LEONARD": "LEO",
    "MARGARET": "PEGGY",
    "MICHAEL": "MIKE",
    "RICHARD": "DICK",
    "ROBERT": "BOB",
    "SAMUEL": "SAM",
    "SUSAN": "SUE",
    "THOMAS": "TOM",
    "WILLIAM": "BILL",
}
SUFFIXES = ("JR", "SR", "II", "III", "IV", "MD")

_TWIN_EVERY = 40
_DIGIT_SUM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A patient as the payer spells them: plain upper case, perhaps with a name suffix.

    `index` tells the patients of a practice apart; -1 is ADA EXAMPLE. `twin_beginning` is set on
    twins only.
    """

    index: int
    first_name: str
    last_name: str
    date_of_birth: date
    subscriber_id: str
    twin_beginning: str | None = None


def ada_example() -> Person:
    """The one patient whom every world holds under a known name."""
    return Person(
        index=-1,
        first_name="ADA",
        last_name="EXAMPLE",
        date_of_birth=date(1975, 5, 10),
        subscriber_id="900000000",
    )


@cache
def birth_dates() -> tuple[date, ...]:
    """Every birth date that patients may have; see the module's text."""
    first, last = date(1932, 1, 1), date(2019, 12, 31)
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return tuple(
        day
        for day in days
        if sum(map(int, day.strftime("%m%d%Y"))) % 10 == _DIGIT_SUM
        and (day.day > 12 or day.day >= day.month)
        and day != ada_example().date_of_birth
    )


def most_patients() -> int:
    """How many patients one practice can have before two would be hard to tell apart."""
    return len(birth_dates()) * len(LAST_NAMES)


@lru_cache(maxsize=200_000)
def person(*, seed: int, practice: int, index: int) -> Person:
    """The patient with that index; each is the same for ever."""
    if index < 0:
        return ada_example()
    block, place = divmod(index, _TWIN_EVERY)
    is_twin = place >= _TWIN_EVERY - 2
    slot = block * (_TWIN_EVERY - 1) + min(place, _TWIN_EVERY - 2)
    shift = Dice(seed, "people", practice).below(1_000_003)
    dates = birth_dates()
    generation, in_generation = divmod(slot, len(dates))
    # A multiplier without a common factor visits every birth date once a generation.
    date_of_birth = dates[(in_generation * _coprime(len(dates)) + shift) % len(dates)]
    last_name = LAST_NAMES[(in_generation * 37 + shift + generation) % len(LAST_NAMES)]
    dice = Dice(seed, "person", practice, slot)
    twin_names = dice.pick(TWIN_NAMES)
    first_name = dice.pick(FIRST_NAMES)
    if dice.happens(6):
        last_name = f"{last_name}-{dice.pick(SECOND_LAST_NAMES)}"
    elif dice.happens(4):
        last_name = f"{last_name} {dice.pick(SUFFIXES[:4])}"
    return Person(
        index=index,
        first_name=twin_names[place - (_TWIN_EVERY - 2)] if is_twin else first_name,
        last_name=last_name,
        date_of_birth=date_of_birth,
        subscriber_id=f"9{practice % 1000:03d}{index:07d}",
        twin_beginning=twin_names[2] if is_twin else None,
    )


def twin_pairs(patients: int) -> range:
    """Index of the first twin of each pair among so many patients; the second one follows."""
    return range(_TWIN_EVERY - 2, patients - 1, _TWIN_EVERY)


def _coprime(size: int) -> int:
    """Return a multiplier near 0.6 of `size` that shares no factor with it."""
    candidate = int(size * 0.6)
    while gcd(candidate, size) != 1:
        candidate += 1
    return candidate


def last_names_agree(asked: str, known: str) -> bool:
    """Whether the payer takes two last names for one: equal, or equal in one half."""
    asked_parts, known_parts = _parts(asked), _parts(known)
    return "".join(asked_parts) == "".join(known_parts) or bool(set(asked_parts) & set(known_parts))


def first_names_agree(asked: str, known: str) -> bool:
    """Whether the payer takes two first names for one: equal, a beginning, or a nickname."""
    asked, known = folded_name(asked), folded_name(known)
    return (
        known.startswith(asked)
        or (len(known) >= 3 and asked.startswith(known))
        or NICKNAMES.get(known) == asked
    )


@lru_cache(maxsize=50_000)
def birth_dates_close_to(asked: date) -> tuple[date, ...]:
    """Dates on which patients may be born and for which `asked` may be mistyped, itself included.

    Mistyped means one wrong digit, or day and month swapped. Swapping keeps the sum of the digits,
    so only a date with another sum can have a wrong digit, and there is one remedy for each place.
    """
    text = asked.strftime("%Y%m%d")
    lacking = (_DIGIT_SUM - sum(map(int, text))) % 10
    if not lacking:
        texts = [text, asked.strftime("%Y%d%m")]
    else:
        texts = [
            f"{text[:place]}{(int(digit) + lacking) % 10}{text[place + 1 :]}"
            for place, digit in enumerate(text)
        ]
    return tuple({day for text in texts if (day := _date_or_none(text)) is not None})


def _date_or_none(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _parts(last_name: str) -> list[str]:
    words = last_name.upper().replace("-", " ").replace(".", " ").split()
    return [folded for word in words if word not in SUFFIXES and (folded := folded_name(word))]
