"""Which rows a claim could answer, found by look-ups instead of comparing every pair.

A sweep brings every claim of a practice. Most belong to people nobody asked about, and telling
so has to be cheap.
"""

from collections.abc import Iterable
from datetime import date

from claims_pipeline.matching.comparison import compare
from claims_pipeline.matching.numbers import claim_number_keys, number_keys
from claims_pipeline.matching.people import (
    FirstNames,
    compare_first_names,
    first_name_core,
    last_name_keys,
)
from claims_pipeline.matching.slips import birth_dates_are_near
from claims_pipeline.model import Claim, Request

# One row under a last name: row number, core of the first name, date of birth.
_Entry = tuple[int, tuple[str, ...], date]


class Roster:
    """An index over the requests that one query may answer."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._by_number: dict[str, list[int]] = {}
        self._by_account: dict[str, list[int]] = {}
        self._by_last_name: dict[str, list[_Entry]] = {}
        self._by_birth_date: dict[date, list[Request]] = {}
        for request in requests:
            self._add(request)

    def candidates(self, claim: Claim) -> list[int]:
        """Row numbers that this claim could answer under the rules of `match`, in order.

        Service dates are not looked at: `match` is told what was searched for each row.
        """
        rows: set[int] = set()
        for number in claim_number_keys(claim):
            rows.update(self._by_number.get(number, ()))
        for account in number_keys(claim.patient_account_number):
            rows.update(self._by_account.get(account, ()))
        if claim.patient_date_of_birth is not None:
            born_then = self._by_birth_date.get(claim.patient_date_of_birth, ())
            rows.update(row.row_number for row in born_then if _may_be(row, claim))
        if claim.patient_last_name:
            first_name = first_name_core(claim.patient_first_name or "")
            for key in last_name_keys(claim.patient_last_name):
                rows.update(_alike(self._by_last_name.get(key, ()), first_name, claim))
        return sorted(rows)

    def _add(self, request: Request) -> None:
        row = request.row_number
        numbers = number_keys(request.claim_number)
        for number in numbers:
            self._by_number.setdefault(number, []).append(row)
        for account in numbers | number_keys(request.patient_account_number):
            self._by_account.setdefault(account, []).append(row)
        if answers_by_patient(request):
            patient = request.patient
            self._by_birth_date.setdefault(patient.date_of_birth, []).append(request)
            entry = (row, first_name_core(patient.first_name), patient.date_of_birth)
            for key in last_name_keys(patient.last_name):
                self._by_last_name.setdefault(key, []).append(entry)


def answers_by_patient(request: Request) -> bool:
    """Whether a claim of the person can answer the row without its number.

    A row that names a claim and no dates of its own asks for that claim alone.
    """
    return request.claim_number is None or request.service is not None


def _may_be(request: Request, claim: Claim) -> bool:
    """Whether a claim of somebody born on the same day may be the row's patient's."""
    one = compare(request, claim, searched=None)
    return one.person or one.unsure_person


def _alike(entries: Iterable[_Entry], first_name: tuple[str, ...], claim: Claim) -> Iterable[int]:
    """Rows of one last name whose first name is the claim's, and whose birth date nearly is."""
    born = claim.patient_date_of_birth
    for row, asked, birth_date in entries:
        is_near = born is None or birth_dates_are_near(birth_date, born)
        if is_near and compare_first_names(asked, first_name) >= FirstNames.CLOSE:
            yield row
