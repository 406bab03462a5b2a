"""Slips of a hand: what separates two texts or two dates that were meant to be the same."""

from datetime import date

# Among shorter names one letter more or less makes another name more often than a slip.
_SHORTEST_NAME = 4
_CENTURY = 100


def is_one_slip(one: str, other: str) -> bool:
    """Whether two folded names differ by one letter, or by two neighbours exchanged."""
    if one == other or max(len(one), len(other)) < _SHORTEST_NAME:
        return False
    if len(one) == len(other):
        return _differ_by_one_digit(one, other) or _are_exchanged(one, other)
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    same = 0
    while same < len(shorter) and shorter[same] == longer[same]:
        same += 1
    return shorter[same:] == longer[same + 1 :]


def birth_dates_are_near(one: date, other: date) -> bool:
    """Whether two dates of birth differ as a slip makes them differ.

    One digit; a day; a year, or a hundred; day and month swapped; two neighbouring digits
    exchanged.
    """
    if one == other:
        return False
    if abs(one.toordinal() - other.toordinal()) == 1:
        return True
    if (one.month, one.day) == (other.month, other.day):
        apart = abs(one.year - other.year)
        return apart in {1, _CENTURY} or _is_slip_of_digits(str(one.year), str(other.year))
    if one.year != other.year:
        return False  # cheap, and true of nearly every pair
    if (one.month, one.day) == (other.day, other.month):
        return True
    return _is_slip_of_digits(f"{one:%m%d}", f"{other:%m%d}")


def _is_slip_of_digits(one: str, other: str) -> bool:
    return _differ_by_one_digit(one, other) or _are_exchanged(one, other)


def _differ_by_one_digit(one: str, other: str) -> bool:
    return sum(letter != opposite for letter, opposite in zip(one, other, strict=True)) == 1


def _are_exchanged(one: str, other: str) -> bool:
    """Whether two neighbours changed places, and nothing else."""
    apart = [at for at, letter in enumerate(one) if letter != other[at]]
    if len(apart) != 2 or apart[1] != apart[0] + 1:
        return False
    first, second = apart
    return one[first] == other[second] and one[second] == other[first]
