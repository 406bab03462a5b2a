"""What a summary call asks for, read from its headers as strictly as the payer reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.world import PAYER_ID, World

PAYER_IDS = frozenset({PAYER_ID, "03432", "96385", "95467", "86050", "86047", "95378", "37602"})
MOST_DAYS_APART = 90

_US_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_TIN = re.compile(r"\d{9}", re.ASCII)


class RefusedError(Exception):
    """The call is answered with an error code of the payer's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A search that may be made."""

    practice: WorldPractice
    payer_id: str
    window: DateWindow
    patient: Patient | None


def read_inquiry(headers: Mapping[str, str], world: World) -> Inquiry:
    """Check the headers (names in lower case) of a summary call.

    Raises:
        RefusedError: LCLM_PS_102, 105, 106, 107, 108, 111, 112, 113 or 202.

    """
    for name in ("tin", "payerid", "firstservicedt", "lastservicedt"):
        if not headers.get(name):
            raise RefusedError("LCLM_PS_102", f"The header {name} is mandatory")
    first = _date(headers["firstservicedt"], "LCLM_PS_108", "firstServiceDt")
    last = _date(headers["lastservicedt"], "LCLM_PS_111", "lastServiceDt")
    if last < first:
        raise RefusedError("LCLM_PS_113", "lastServiceDt lies before firstServiceDt")
    if first < world.oldest_day or last > world.today:
        raise RefusedError("LCLM_PS_107", "Dates must lie in the last 24 months")
    if (last - first).days > MOST_DAYS_APART:
        raise RefusedError("LCLM_PS_112", "The dates are more than 90 days apart")
    if not _TIN.fullmatch(headers["tin"]):
        raise RefusedError("LCLM_PS_106", "A tin has nine digits")
    patient = _patient(headers)
    if headers["payerid"] not in PAYER_IDS:
        raise RefusedError("LCLM_PS_105", "This payerId is not served here")
    practice = world.practice_by_tin(headers["tin"])
    if practice is None:
        raise RefusedError("LCLM_PS_202", "You may not ask for this tin")
    return Inquiry(
        practice=practice,
        payer_id=headers["payerid"],
        window=DateWindow(first, last),
        patient=patient,
    )


def _patient(headers: Mapping[str, str]) -> Patient | None:
    first_name, last_name, born = (headers.get(n) for n in ("ptntfn", "ptntln", "ptntdob"))
    if not (first_name or last_name or born):
        return None
    if not (first_name and last_name and born):
        raise RefusedError("LCLM_PS_106", "ptntFn, ptntLn and ptntDob go together")
    return Patient(
        first_name=first_name,
        last_name=last_name,
        date_of_birth=_date(born, "LCLM_PS_108", "ptntDob"),
    )


def _date(text: str, code: str, name: str) -> date:
    match = _US_DATE.fullmatch(text)
    try:
        if match:
            return date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        pass
    raise RefusedError(code, f"{name} must be a date as MM/DD/YYYY")
