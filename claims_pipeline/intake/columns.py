"""Column names: what files call them, and what we call them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claims_pipeline.intake.catalogue import refused
from claims_pipeline.results_file.columns import RESULT_COLUMNS, original_name
from claims_pipeline.results_file.formulas import restored

# Written as `header_key` leaves them: small letters and digits only. No name of a results column
# is ever a synonym: `service_from` in a results file is the payer's date, not the analyst's.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "claim_number": (
        "claimno", "claimnum", "claimnbr", "claimid", "claim", "claimcontrolnumber",
        "claimreferencenumber", "payerclaimcontrolnumber", "icn", "dcn",
    ),
    "patient_account_number": (
        "patientaccount", "patientaccountno", "patientacctno", "patientacctnbr",
        "patientacctnumber", "patientcontrolnumber", "accountnumber", "accountno", "acctnumber",
        "acctno", "pcn",
    ),
    "first_name": (
        "first", "fname", "givenname", "forename", "patientfirstname", "patientfirst",
        "ptfirstname", "ptntfn",
    ),
    "last_name": (
        "last", "lname", "surname", "familyname", "patientlastname", "patientlast", "ptlastname",
        "ptntln",
    ),
    "date_of_birth": (
        "dob", "birthdate", "birthday", "birthdt", "patientdob", "patientdateofbirth",
        "patientbirthdate", "ptdob", "ptntdob",
    ),
    "subscriber_id": (
        "subscribernumber", "subscriberno", "memberid", "membernumber", "memberno", "insuredid",
        "insuranceid", "policyid", "policynumber",
    ),
    "first_service_date": (
        "dateofservice", "servicedate", "dos", "firstdateofservice", "fromdateofservice",
        "dateofservicefrom", "servicedatefrom", "servicefromdate", "servicestartdate", "dosfrom",
        "fromdos", "fromdate", "firstservicedt",
    ),
    "last_service_date": (
        "lastdateofservice", "todateofservice", "dateofserviceto", "servicedateto",
        "servicetodate", "serviceenddate", "servicethroughdate", "dosto", "todos", "todate",
        "throughdate", "lastservicedt",
    ),
    "practice_id": (
        "practice", "practicenumber", "practiceno", "practicecode", "clinicid", "officeid",
    ),
    "tin": (
        "taxid", "taxidnumber", "taxidentificationnumber", "taxpayerid", "practicetin",
        "practicetaxid", "providertin", "billingtin", "grouptin", "ein", "fein",
    ),
    "payer_id": (
        "payorid", "payernumber", "payerno", "payercode", "insurerid", "carrierid", "edipayerid",
        "electronicpayerid",
    ),
    "total_charged": (
        "totalcharge", "totalcharges", "totalchargeamount", "chargeamount", "charges",
        "billedamount", "amountbilled", "totalbilled", "claimamount",
    ),
}  # fmt: skip

CANONICAL_COLUMNS = tuple(SYNONYMS)
REQUIRED_COLUMNS = ("first_name", "last_name", "date_of_birth")
REJECTED_ROW_COLUMNS = ("row_number", "error_code", "error_column", "error_message")
MAX_COLUMNS = 16_000

_PARENTHESES = re.compile(r"\([^)]*\)")
# Names that only a results file has; a few of them together are no accident.
_RESULTS_FILE_MARKS = frozenset(
    {
        "match_number", "match_count", "matched_by", "match_note", "next_action",
        "days_since_received", "status_category_code", "searched_from", "searched_to",
        "payer_environment", "checked_at_utc",
    }
)  # fmt: skip
_ENOUGH_MARKS = 3


def header_key(name: str) -> str:
    """A column name without case, spaces, punctuation, BOM and anything in parentheses."""
    return "".join(c for c in _PARENTHESES.sub("", name).casefold() if c.isalnum())


_MEANINGS = {
    key: column for column, synonyms in SYNONYMS.items() for key in (header_key(column), *synonyms)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a record's cells are laid out.

    `file_width` cells stand in a record of the file. `kept` are the positions that are not ours,
    in order; `header` names them. `columns` gives the position of a canonical column among them.
    """

    header: tuple[str, ...]
    kept: tuple[int, ...]
    columns: dict[str, int]
    file_width: int

    @property
    def kept_cells(self) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """What takes a record's cells and leaves those of our columns out.

        Cells beyond the header stay.
        """
        return tuple if len(self.kept) == self.file_width else self._without_our_cells

    def _without_our_cells(self, row: Sequence[str]) -> tuple[str, ...]:
        kept = tuple(row[position] for position in self.kept if position < len(row))
        return (*kept, *row[self.file_width :])


def known_columns(names: Sequence[str]) -> int:
    """How many canonical columns a header names."""
    return len({_MEANINGS[key] for key in map(header_key, names) if key in _MEANINGS})


def canonical_positions(names: Sequence[str]) -> dict[str, int]:
    """Where each canonical column that these names hold stands; the first counts."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        meaning = _MEANINGS.get(header_key(name))
        if meaning is not None:
            positions.setdefault(meaning, position)
    return positions


def layout_of(names: Sequence[str]) -> Layout:
    """Read a header.

    Raises:
        FileRefusedError: `no_usable_header`, `columns_missing`, `columns_repeated` or
            `too_many_columns`.

    """
    if len(names) > MAX_COLUMNS:
        raise refused("too_many_columns")
    cleaned = [restored(name.replace("\0", "").strip("\ufeff")) for name in names]
    kept, header = _without_our_columns(cleaned)
    columns: dict[str, int] = {}
    for position, name in enumerate(header):
        meaning = _MEANINGS.get(header_key(name))
        if meaning is None:
            continue
        if meaning in columns:
            raise refused("columns_repeated", f"Both mean {meaning}.")
        columns[meaning] = position
    if not columns:
        raise refused("no_usable_header")
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        raise refused("columns_missing", f"Missing: {', '.join(missing)}.")
    return Layout(header=header, kept=kept, columns=columns, file_width=len(names))


def _without_our_columns(names: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Positions and names of the columns that stood in the analyst's own file."""
    plain = [name.strip() for name in names]
    if len(_RESULTS_FILE_MARKS.intersection(plain)) >= _ENOUGH_MARKS:
        ours = frozenset(RESULT_COLUMNS)
    elif set(REJECTED_ROW_COLUMNS) <= set(plain):
        ours = frozenset(REJECTED_ROW_COLUMNS)
    else:
        return tuple(range(len(names))), tuple(names)
    kept = tuple(position for position, name in enumerate(plain) if name not in ours)
    return kept, tuple(original_name(names[position], ours) for position in kept)
