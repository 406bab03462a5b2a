"""Which rows a claim could answer, found by look-ups instead of comparing every pair.

A sweep brings every claim of a practice. Most belong to people nobody asked about, and telling
so has to be cheap.
"""

import re
from collections.abc import Iterable
from datetime import date

from claims_pipeline.matching.people import (
    FirstNames,
    birth_dates_are_near,
    compare_first_names,
    first_name_core,
    last_name_keys,
)
from claims_pipeline.model import Claim, Request

_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]")

# One row under a last name: row number, core of the first name, date of birth.
_Entry = tuple[int, str, date]


def folded_number(text: str | None) -> str:
    """A claim or account number in upper case, letters and digits only; zeros are kept."""
    return _NOT_IN_A_NUMBER.sub("", (text or "").upper())


class Roster:
    """An index over the requests that one query may answer."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._by_number: dict[str, list[int]] = {}
        self._by_account: dict[str, list[int]] = {}
        self._by_last_name: dict[str, list[_Entry]] = {}
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
                rows.update(_alike(self._by_last_name.get(key, ()), first_name, claim))
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
            patient = request.patient
            entry = (row, first_name_core(patient.first_name), patient.date_of_birth)
            for key in last_name_keys(patient.last_name):
                self._by_last_name.setdefault(key, []).append(entry)


def answers_by_patient(request: Request) -> bool:
    """Whether a claim of the person can answer the row without its number.

    A row that names a claim and no dates of its own asks for that claim alone.
    """
    return request.claim_number is None or request.service is not None


def _alike(entries: Iterable[_Entry], first_name: str, claim: Claim) -> Iterable[int]:
    """Rows of one last name whose first name and date of birth may be the claim's."""
    born = claim.patient_date_of_birth
    for row, asked, birth_date in entries:
        if birth_date == born:
            worst = FirstNames.UNSURE
        elif born is None or birth_dates_are_near(birth_date, born):
            worst = FirstNames.CLOSE
        else:
            continue
        if compare_first_names(asked, first_name) >= worst:
            yield row
