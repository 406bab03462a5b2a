"""What a payer returned."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCode:
    """One crosswalk row: X12 507 category and 508 status with the payer's descriptions.

    Split claims bring several, one per ICN suffix; `draft_number` ties a suffix to its payment.
    """

    category_code: str | None = None
    category_description: str | None = None
    status_code: str | None = None
    status_description: str | None = None
    icn_suffix: str | None = None
    draft_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjudicationCode:
    """A remark, CARC, RARC or other code, on the claim or (with `line_number`) on a line.

    `group` says who bears what a CARC takes off: CO the practice, PR the patient, OA and PI others.
    """

    kind: str
    code: str
    description: str | None = None
    line_number: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One line of a claim as the payer decided it; `units` as the payer writes them.

    The codes are its own; they stand among the claim's codes too, with the line's number.
    """

    number: str | None = None
    icn_suffix: str | None = None
    service_from: date | None = None
    service_to: date | None = None
    processed: date | None = None
    procedure: str | None = None
    modifiers: tuple[str, ...] = ()
    revenue_code: str | None = None
    units: str | None = None
    charged: Decimal | None = None
    allowed: Decimal | None = None
    paid: Decimal | None = None
    not_covered: Decimal | None = None
    codes: tuple[AdjudicationCode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One check or EFT. `amount` is this claim's part, `total` the whole payment."""

    number: str | None = None
    kind: str | None = None
    issued: date | None = None
    amount: Decimal | None = None
    total: Decimal | None = None
    draft_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the payer returned, mapped once from its JSON. Every field may be missing.

    `line_statuses_differ` tells a partly denied claim (detail only). `reconciled` is None unless
    lines, drafts and the paid total were all there to compare.
    """

    payer_id: str
    tin: str
    claim_number: str
    patient_first_name: str | None = None
    patient_last_name: str | None = None
    patient_date_of_birth: date | None = None
    subscriber_id: str | None = None
    patient_account_number: str | None = None
    service_from: date | None = None
    service_to: date | None = None
    received: date | None = None
    processed: date | None = None
    processed_time: str | None = None
    claim_type: str | None = None
    network_status: str | None = None
    rendering_provider: str | None = None
    payer_status: str | None = None
    status_codes: tuple[StatusCode, ...] = ()
    codes: tuple[AdjudicationCode, ...] = ()
    lines: tuple[ServiceLine, ...] = ()
    total_charged: Decimal | None = None
    total_allowed: Decimal | None = None
    total_paid: Decimal | None = None
    provider_write_off: Decimal | None = None
    not_covered: Decimal | None = None
    deductible: Decimal | None = None
    copay: Decimal | None = None
    coinsurance: Decimal | None = None
    patient_responsibility: Decimal | None = None
    payments: tuple[Payment, ...] = ()
    partial_denial: bool | None = None
    reconciled: bool | None = None
    detail_available: bool = False
    detail_error: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """Payer id, TIN, claim number, ICN suffixes and service dates: the same claim or not.

        A later version of a claim has the same identity and a later processed date.
        """
        suffixes = sorted({code.icn_suffix for code in self.status_codes if code.icn_suffix})
        return (
            self.payer_id,
            self.tin,
            self.claim_number,
            ",".join(suffixes),
            self.service_from.isoformat() if self.service_from else "",
            self.service_to.isoformat() if self.service_to else "",
        )
