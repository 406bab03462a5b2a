"""Why a payer did not pay: which codes are denials, what kind of denial, and what to do about it.

Pure tables in our own words; X12's descriptions are copyrighted, and none is shipped. A CARC that
says what the contract writes off, or what the patient shares of what was allowed, is no denial. A
CARC that only says "see the remark" is read by its RARC.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from types import MappingProxyType

from claims_pipeline.model import AdjudicationCode, Claim, Denial, DenialCategory, ServiceLine

_ZERO = Decimal()
CARC = "CARC"
_D = DenialCategory


def _listed(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


# The fee schedule, the patient's share, other payers' parts, discounts, taxes and withholdings.
_ADJUSTMENTS = _listed(
    "1 2 3 23 24 44 45 59 66 70 74 75 76 85 87 88 89 90 91 94 100 101 102 103 104 105 118 121 122"
    " 130 131 132 137 139 142 143 144 161 169 178 187 194 205 209 223 225 235 237 241 246 253 276"
    " B12"
)
_CARCS_BY_CATEGORY = MappingProxyType(
    {
        _D.NO_AUTHORIZATION: "15 39 165 197 198 243 284 287 288 302",
        _D.FILED_LATE: "29 138 164",
        _D.MEDICAL_NECESSITY: "50 55 56 58 114 150 152 154 186 216",
        _D.RECORDS_WANTED: "148 163 226 227 251 252 254",
        _D.CODING: (
            "4 5 6 7 8 9 10 11 12 13 14 16 40 107 110 112 125 129 140 146 147 167 175 176 181 182"
            " 189 199 206 207 208 250 261 267 282 A1"
        ),
        _D.DUPLICATE: "18 B13",
        _D.OTHER_INSURANCE: "19 20 21 22 109 136 201 275 280",
        _D.ELIGIBILITY: "26 27 31 32 33 34 51 166 177 179 180 200 258 B1",
        _D.BUNDLED: "60 97 190 231 234 236 B10 B15 P14",
        _D.PROVIDER: "38 52 170 171 172 183 184 185 242 279 299 B7",
        _D.LIMIT_REACHED: "35 119 149 151 222 273",
        _D.NOT_COVERED: "46 47 48 49 53 54 78 96 111 116 157 158 160 188 202 204 256 269 272 B5",
    }
)
_RARCS_BY_CATEGORY = MappingProxyType(
    {
        _D.NO_AUTHORIZATION: "M62 N54 N175 N351",
        _D.MEDICAL_NECESSITY: "M25 N115 N386",
        _D.RECORDS_WANTED: "M29 M30 M31 M60 M127 M135 M141 N26 N29 N102 N205 N225 N451 N706",
        _D.CODING: "M20 M44 M45 M51 M53 M64 M76 M77 MA61 MA63 MA130 N56 N290 N382",
        _D.DUPLICATE: "N522 M86",
        _D.OTHER_INSURANCE: "MA04 MA92 N4 N598",
        _D.ELIGIBILITY: "N30 N650",
        _D.BUNDLED: "M15 M80 N19 N20 N390",
        _D.PROVIDER: "N95 N257 N286 N570",
        _D.LIMIT_REACHED: "M90 N362",
    }
)


def _by_code(codes: MappingProxyType[DenialCategory, str]) -> dict[str, DenialCategory]:
    return {code: category for category, listed in codes.items() for code in _listed(listed)}


_CATEGORY_BY_CARC = MappingProxyType(_by_code(_CARCS_BY_CATEGORY))
_CATEGORY_BY_RARC = MappingProxyType(_by_code(_RARCS_BY_CATEGORY))
# These say little without the remark beside them.
_READ_BY_REMARK = _listed("16 96 125 204 226 227 234 250 251 252 272 273 A1")

DENIAL_CATEGORIES = MappingProxyType(
    {
        _D.NO_AUTHORIZATION: "No authorization",
        _D.FILED_LATE: "Filed late",
        _D.MEDICAL_NECESSITY: "Medical necessity",
        _D.RECORDS_WANTED: "Records or documents missing",
        _D.CODING: "Information or coding",
        _D.DUPLICATE: "Duplicate",
        _D.OTHER_INSURANCE: "Other insurance",
        _D.ELIGIBILITY: "Eligibility",
        _D.BUNDLED: "Bundled",
        _D.PROVIDER: "Provider or network",
        _D.LIMIT_REACHED: "Limit reached",
        _D.NOT_COVERED: "Not covered",
        _D.OTHER: "Other",
    }
)
ACTION_BY_CATEGORY = MappingProxyType(
    {
        _D.NO_AUTHORIZATION: "appeal_with_authorization",
        _D.FILED_LATE: "prove_timely_filing",
        _D.MEDICAL_NECESSITY: "appeal_medical_necessity",
        _D.RECORDS_WANTED: "send_records",
        _D.CODING: "send_corrected_claim",
        _D.DUPLICATE: "find_first_claim",
        _D.OTHER_INSURANCE: "settle_other_insurance",
        _D.ELIGIBILITY: "check_eligibility",
        _D.BUNDLED: "check_bundling",
        _D.PROVIDER: "check_provider",
        _D.LIMIT_REACHED: "check_limit",
        _D.NOT_COVERED: "check_benefits",
        _D.OTHER: "review_denial",
    }
)


def is_denied(line: ServiceLine) -> bool:
    """Whether nothing of the line was allowed or paid, for a reason that is no mere adjustment."""
    if line.allowed != _ZERO or line.paid != _ZERO or not line.codes:
        return False
    reasons = [code for code in line.codes if _is_carc(code)]
    return not reasons or any(_is_reason(code) for code in reasons)


def denials_of(claim: Claim) -> tuple[Denial, ...]:
    """The claim's reasons for not paying, each once, largest amount first.

    Of a claim whose lines are known, codes of lines that were not denied are left out.
    """
    found: dict[str, Denial] = {}
    for code in _reasons(claim):
        known = found.get(code.code)
        found[code.code] = Denial(
            code=code.code,
            group=code.group or (known.group if known else None),
            description=code.description or (known.description if known else None),
            amount=_amount_of(code.code, claim.lines),
        )
    return tuple(sorted(found.values(), key=lambda denial: -(denial.amount or _ZERO)))


def denial_category(claim: Claim, denials: Iterable[Denial]) -> DenialCategory:
    """What kind of denial it is, by the reason with the largest amount that tells one.

    `denials` are those of `denials_of`; without any, the remarks tell.
    """
    remarks = [code.code for code in claim.codes if not _is_carc(code)]
    for denial in denials:
        category = _CATEGORY_BY_CARC.get(denial.code)
        if denial.code in _READ_BY_REMARK:
            category = next(_told_by(_remarks_beside(denial.code, claim) or remarks), category)
        if category is not None:
            return category
    return next(_told_by(remarks), DenialCategory.OTHER)


def denied_amount(lines: Iterable[ServiceLine]) -> Decimal:
    """What was not covered of the lines that were denied, in dollars."""
    return sum((_lost(line) for line in lines if is_denied(line)), _ZERO)


def _reasons(claim: Claim) -> Iterator[AdjudicationCode]:
    denied = {line.number for line in claim.lines if is_denied(line)}
    for code in claim.codes:
        is_of_paid_line = (
            code.line_number is not None and claim.lines and (code.line_number not in denied)
        )
        if _is_reason(code) and not is_of_paid_line:
            yield code


def _remarks_beside(carc: str, claim: Claim) -> list[str]:
    """The remarks on the lines that have this code."""
    return [
        code.code
        for line in claim.lines
        if any(_is_carc(code) and code.code == carc for code in line.codes)
        for code in line.codes
        if not _is_carc(code)
    ]


def _told_by(remarks: Iterable[str]) -> Iterator[DenialCategory]:
    return (_CATEGORY_BY_RARC[code] for code in remarks if code in _CATEGORY_BY_RARC)


def _amount_of(carc: str, lines: Iterable[ServiceLine]) -> Decimal | None:
    """What the denied lines with this code lost; a line with several codes counts for each."""
    lost = [
        _lost(line)
        for line in lines
        if is_denied(line) and any(_is_carc(code) and code.code == carc for code in line.codes)
    ]
    return sum(lost, _ZERO) if lost else None


def _lost(line: ServiceLine) -> Decimal:
    return line.not_covered or line.charged or _ZERO


def _is_carc(code: AdjudicationCode) -> bool:
    return code.kind.upper() == CARC


def _is_reason(code: AdjudicationCode) -> bool:
    return _is_carc(code) and code.code not in _ADJUSTMENTS
