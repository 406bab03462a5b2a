"""Which rows a claim could answer, found by look-ups instead of comparing every pair.

A sweep brings every claim of a practice. Most belong to people nobody asked about, and telling
so has to be cheap.
"""

import re
from collections.abc import Iterable
from datetime import date

from claims_pipeline.matching.people import (
    FirstNames,
    compare_first_names,
    first_name_core,
    last_name_keys,
    near_dates,
)
from claims_pipeline.model import Claim, Request

_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]")

# The rows of one last name by date of birth: (row number, core of the first name).
_Rows = dict[date, list[tuple[int, str]]]


def folded_number(text: str | None) -> str:
    """A claim or account number in upper case, letters and digits only; zeros are kept."""
    return _NOT_IN_A_NUMBER.sub("", (text or "").upper())


class Roster:
    """An index over the requests that one query may answer."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._by_number: dict[str, list[int]] = {}
        self._by_account: dict[str, list[int]] = {}
        self._by_last_name: dict[str, _Rows] = {}
        for request in requests:
            self._add(request)

    def candidates(self, claim: Claim) -> list[int]:
        """Row numbers that this claim could answer under the rules of `match`, in order.

        Service dates are not looked at: `match` is told what was searched for each row.
        """
        rows: set[int] = set()
        if number := folded_number(claim.claim_number):
            rows.update(self._by_number.get(number, ()))
        if account := folded_number(claim.patient_account_number):
            rows.update(self._by_account.get(account, ()))
        if claim.patient_last_name:
            first_name = first_name_core(claim.patient_first_name or "")
            for key in last_name_keys(claim.patient_last_name):
                if key in self._by_last_name:
                    rows.update(_alike(self._by_last_name[key], first_name, claim))
        return sorted(rows)

    def _add(self, request: Request) -> None:
        row = request.row_number
        number = folded_number(request.claim_number)
        account = folded_number(request.patient_account_number)
        if number:
            self._by_number.setdefault(number, []).append(row)
        for value in {number, account} - {""}:
            self._by_account.setdefault(value, []).append(row)
        if answers_by_patient(request):
            entry = (row, first_name_core(request.patient.first_name))
            for key in last_name_keys(request.patient.last_name):
                rows = self._by_last_name.setdefault(key, {})
                rows.setdefault(request.patient.date_of_birth, []).append(entry)


def answers_by_patient(request: Request) -> bool:
    """Whether a claim of the person can answer the row without its number.

    A row that names a claim and no dates of its own asks for that claim alone.
    """
    return request.claim_number is None or request.service is not None


def _alike(rows: _Rows, first_name: str, claim: Claim) -> Iterable[int]:
    """Rows of one last name whose first name and date of birth may be the claim's."""
    born = claim.patient_date_of_birth
    if born is None:
        for entries in rows.values():
            yield from _named(entries, first_name, at_least=FirstNames.CLOSE)
        return
    yield from _named(rows.get(born, ()), first_name, at_least=FirstNames.UNSURE)
    for birth_date in rows.keys() & near_dates(born):
        yield from _named(rows[birth_date], first_name, at_least=FirstNames.CLOSE)


def _named(
    entries: Iterable[tuple[int, str]], first_name: str, *, at_least: FirstNames
) -> Iterable[int]:
    for row, asked in entries:
        if compare_first_names(asked, first_name) >= at_least:
            yield row
