"""How people write the same person and day in many ways, all of which a match must bridge."""

from collections.abc import Callable
from datetime import date

from claims_pipeline.sandbox.world.dates import us_date
from claims_pipeline.sandbox.world.dice import Dice
from claims_pipeline.sandbox.world.people import FIRST_NAMES, NICKNAMES, SUFFIXES, Person

_ACCENTED = {
    "ANDRE": "André",
    "CHAVEZ": "Chávez",
    "CORTEZ": "Cortéz",
    "GARCIA": "García",
    "GOMEZ": "Gómez",
    "INES": "Inés",
    "JESUS": "Jesús",
    "JOSE": "José",
    "LARSEN": "Lårsen",
    "LUCIA": "Lucía",
    "MARQUEZ": "Márquez",
    "MULLER": "Müller",
    "NUNEZ": "Núñez",
    "OLSEN": "Ølsen",
    "PENA": "Peña",
    "RAMIREZ": "Ramírez",
    "RENE": "René",
    "SOFIA": "Sofía",
}
_APOSTROPHES = {"OBRIEN": "O'Brien", "OCONNOR": "O’Connor"}
_DATE_FORMS: tuple[Callable[[date], str], ...] = (
    date.isoformat,
    lambda day: f"{day.month}/{day.day}/{day.year}",
    lambda day: f"{day.year:04d}{day.month:02d}{day.day:02d}",
    lambda day: us_date(day).replace("/", "-"),
    lambda day: f"{us_date(day)} 00:00:00",
)


def plain(someone: Person) -> dict[str, str]:
    """The person's columns as the payer spells them."""
    return {
        "first_name": someone.first_name,
        "last_name": someone.last_name,
        "date_of_birth": us_date(someone.date_of_birth),
    }


def differently(someone: Person, dice: Dice) -> dict[str, str]:
    """The person's columns as somebody else might write them."""
    cells = plain(someone)
    ways = [
        {"first_name": someone.first_name.title(), "last_name": someone.last_name.title()},
        {"first_name": someone.first_name.lower(), "last_name": f" {someone.last_name} "},
        {"date_of_birth": dice.pick(_DATE_FORMS)(someone.date_of_birth)},
    ]
    if someone.twin_beginning is None:
        ways += _other_names(someone, dice)
    # Names with something to them are rare: show it when there is a chance.
    return cells | dice.pick(ways[3:] if len(ways) > 5 and dice.happens(70) else ways)


def _other_names(someone: Person, dice: Dice) -> list[dict[str, str]]:
    first, last = someone.first_name, someone.last_name
    ways = [{"first_name": f"{first.title()} {dice.pick('ABDEGHKLMRST')}."}]
    # Cut short, Joseph is another man's name.
    if len(first) > 5 and first[:4] not in FIRST_NAMES:
        ways.append({"first_name": first[:4].title()})
    if first in NICKNAMES:
        ways.append({"first_name": NICKNAMES[first].title()})
    if first in _ACCENTED or last in _ACCENTED:
        ways.append(
            {"first_name": _ACCENTED.get(first, first), "last_name": _ACCENTED.get(last, last)}
        )
    if last in _APOSTROPHES:
        ways.append({"last_name": _APOSTROPHES[last]})
    words = last.replace("-", " ").split()
    if words[-1] in SUFFIXES:
        ways.append({"last_name": words[0].title()})
    elif len(words) == 2:
        ways += [{"last_name": word.title()} for word in (" ".join(words), *words)]
    else:
        ways.append({"last_name": f"{last.title()} {dice.pick(('Jr', 'Sr.', 'III', 'MD'))}"})
    return ways


def mistyped_birth_date(someone: Person, dice: Dice) -> date:
    """Day and month swapped where that gives another day, or else one digit wrong."""
    born = someone.date_of_birth
    if born.day <= 12 and born.day != born.month and dice.happens(50):
        return born.replace(month=born.day, day=born.month)
    text = born.isoformat()
    mistyped: list[date] = []
    for place in (3, 6, 9):
        for digit in "0123456789":
            try:
                day = date.fromisoformat(text[:place] + digit + text[place + 1 :])
            except ValueError:
                continue
            if day != born:
                mistyped.append(day)
    return dice.pick(mistyped)


def date_cell(day: date, dice: Dice) -> str:
    """A date in the usual form, now and then in another one."""
    return dice.pick(_DATE_FORMS)(day) if dice.happens(20) else us_date(day)
