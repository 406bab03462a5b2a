"""The table of fates: what each reply means for the rows that it is about."""

from datetime import date
from decimal import Decimal

import pytest

from claims_pipeline.errors import ErrorClass
from claims_pipeline.model import ClaimStatus, Patient
from claims_pipeline.payers.status import claim_status
from claims_pipeline.payers.x12 import fates
from claims_pipeline.payers.x12.claims import claim_of
from claims_pipeline.payers.x12.fates import (
    Fate,
    FateKind,
    fate_of_claim,
    fate_of_inquiry,
    fate_of_interchange,
    fate_of_provider,
    fate_of_receiver,
    fate_of_set,
)
from claims_pipeline.payers.x12.replies import (
    ClaimReply,
    InterchangeAck,
    PersonName,
    ProviderReply,
    ReceiverReply,
    SetAck,
    SetError,
    SetKey,
    Status,
    StatusLine,
    Verdict,
)
from claims_pipeline_tests.payers.x12.builders import CLAIM, claims_in, envelope, status_set

KEY = SetKey(interchange="1", group="1", set="1")
PATIENT = Patient(first_name="Ada", last_name="Example", date_of_birth=date(1975, 5, 10))


def lines(*codes: str) -> tuple[StatusLine, ...]:
    """One STC for each text such as `D0:35`, further composites separated by a blank."""
    return tuple(
        StatusLine(
            statuses=tuple(
                Status(category=one.partition(":")[0], code=one.partition(":")[2])
                for one in text.split()
            )
        )
        for text in codes
    )


def reply(*codes: str, number: str = "") -> ClaimReply:
    return ClaimReply(key=KEY, trace="T1", statuses=lines(*codes), payer_claim_number=number)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["D0:35"], fates.NOT_FOUND),
        (["D0:97"], fates.NOT_FOUND),
        (["D0"], fates.NOT_FOUND),
        (["A4:35"], fates.NOT_FOUND),
        (["E0:24"], fates.REFUSED_INQUIRY),
        (["E3:116"], fates.REFUSED_INQUIRY),
        (["E1:484"], fates.NOT_AVAILABLE),
        (["E2:0"], fates.NOT_AVAILABLE),
        (["E4:0"], fates.REFUSED_SETUP),
        (["A0:484"], fates.NOT_AVAILABLE),
        (["D0:484"], fates.NOT_AVAILABLE),
        (["F1:484"], fates.NOT_AVAILABLE),
        (["D0:35", "E1:0"], fates.NOT_AVAILABLE),
        (["D0:35 E0:24"], fates.REFUSED_INQUIRY),
        (["A1:20"], fates.CLAIM),
        (["P1:20 A0:484"], fates.CLAIM),
        (["F2:107"], fates.CLAIM),
        ([], fates.NOT_UNDERSTOOD),
        (["ZZ:1"], fates.NOT_UNDERSTOOD),
    ],
)
def test_the_fate_of_an_answer_follows_from_its_statuses(codes: list[str], expected: Fate) -> None:
    assert fate_of_claim(reply(*codes)) == expected


def test_a_claim_whose_status_cannot_be_read_is_a_claim_all_the_same() -> None:
    assert fate_of_claim(reply(number="X1")) == fates.CLAIM


@pytest.mark.parametrize(
    ("several", "expected"),
    [
        ([fates.NOT_FOUND, fates.CLAIM, fates.NOT_AVAILABLE], fates.CLAIM),
        ([fates.NOT_FOUND, fates.NOT_AVAILABLE], fates.NOT_AVAILABLE),
        ([fates.NOT_AVAILABLE, fates.REFUSED_INQUIRY], fates.REFUSED_INQUIRY),
        ([fates.NOT_FOUND, fates.NOT_FOUND], fates.NOT_FOUND),
        ([fates.NOT_FOUND, fates.NOT_UNDERSTOOD], fates.NOT_UNDERSTOOD),
        ([], fates.WAITING),
    ],
)
def test_several_answers_of_one_inquiry_make_one_fate(several: list[Fate], expected: Fate) -> None:
    assert fate_of_inquiry(several) == expected
    assert fate_of_inquiry(several[::-1]) == expected


@pytest.mark.parametrize(
    ("codes", "error_class"),
    [
        (["E0:24"], ErrorClass.FIX_INPUT),
        (["E3:24"], ErrorClass.FIX_INPUT),
        (["E1:0"], ErrorClass.TRANSIENT),
        (["E2:0"], ErrorClass.TRANSIENT),
        (["E4:0"], ErrorClass.CONFIG),
        (["A1:484"], ErrorClass.TRANSIENT),
        (["D0:26"], ErrorClass.CONFIG),
        (["A3:21"], ErrorClass.CONFIG),
        (["A1:20"], None),
        ([], None),
    ],
)
def test_the_fate_of_a_set_that_failed_at_the_receiver(
    codes: list[str], error_class: ErrorClass | None
) -> None:
    found = fate_of_receiver(ReceiverReply(key=KEY, reference="R", statuses=lines(*codes)))
    assert found.error_class is error_class
    assert found.kind is (FateKind.WAITING if error_class is None else FateKind.FAILED)


@pytest.mark.parametrize(
    ("codes", "error_class"),
    [
        (["E0:562"], ErrorClass.CONFIG),
        (["E3:562"], ErrorClass.CONFIG),
        (["E4:562"], ErrorClass.CONFIG),
        (["D0:26"], ErrorClass.CONFIG),
        (["E2:0"], ErrorClass.TRANSIENT),
        (["A1:19"], None),
    ],
)
def test_the_fate_of_a_provider_that_failed(
    codes: list[str], error_class: ErrorClass | None
) -> None:
    found = fate_of_provider(
        ProviderReply(key=KEY, reference="R", provider_id="1", statuses=lines(*codes))
    )
    assert found.error_class is error_class


def test_nothing_above_a_claim_says_not_found() -> None:
    for category in ("D0", "A4", "E0", "E1", "A3", "F2", "??"):
        for code in ("35", "97", "484", ""):
            above = lines(f"{category}:{code}")
            receiver = ReceiverReply(key=KEY, reference="R", statuses=above)
            provider = ProviderReply(key=KEY, reference="R", provider_id="1", statuses=above)
            assert fate_of_receiver(receiver) != fates.NOT_FOUND
            assert fate_of_provider(provider) != fates.NOT_FOUND


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.TAKEN, fates.WAITING),
        (Verdict.NOTED, fates.WAITING),
        (Verdict.REFUSED, fates.INTERCHANGE_REFUSED),
    ],
)
def test_the_fate_of_an_interchange(verdict: Verdict, expected: Fate) -> None:
    ack = InterchangeAck(interchange="1", verdict=verdict, note="000")
    assert fate_of_interchange(ack) == expected


def _ack(verdict: Verdict, *errors: SetError) -> SetAck:
    return SetAck(group="1", set="0001", verdict=verdict, errors=errors)


def test_a_set_that_was_taken_waits_for_its_answers() -> None:
    for verdict in (Verdict.TAKEN, Verdict.NOTED):
        error = SetError(segment="NM1", code="8", traces=("T1",))
        found = fate_of_set(_ack(verdict, error))
        assert found.fate == fates.WAITING
        assert not found.refused
        assert not found.ask_rest_again


def test_of_a_refused_set_those_that_its_errors_name_fail_alone() -> None:
    named = (
        SetError(segment="NM1", code="8", traces=("T1",)),
        SetError(segment="DTP", code="I6", traces=("T2",)),
    )
    found = fate_of_set(_ack(Verdict.REFUSED, *named))
    assert found.refused == {"T1", "T2"}
    assert found.ask_rest_again
    assert fates.INQUIRY_REFUSED.error_class is ErrorClass.FIX_INPUT


def test_a_refused_set_whose_errors_name_nobody_fails_whole() -> None:
    unnamed = SetError(segment="NM1", code="8")
    for errors in ((), (unnamed,), (unnamed, SetError(segment="A", code="1", traces=("T1",)))):
        found = fate_of_set(_ack(Verdict.REFUSED, *errors))
        assert found.fate == fates.SET_REFUSED
        assert not found.ask_rest_again


def test_every_fate_that_failed_has_a_sentence_without_values() -> None:
    failed = [value for value in vars(fates).values() if isinstance(value, Fate) and value.code]
    assert {fate.code for fate in failed} == set(fates.MESSAGES)
    for fate in failed:
        assert fate.error().message.endswith(".")
    with pytest.raises(ValueError, match="only a fate"):
        fates.WAITING.error()


def test_a_claim_is_mapped_with_everything_that_the_file_says() -> None:
    (found,) = claims_in(envelope(status_set(CLAIM)))
    claim = claim_of(found, payer_id="X1200", tin="070000001", patient=PATIENT)
    assert (claim.claim_number, claim.patient_account_number) == ("X120000001", "PT1-0001")
    assert (claim.patient_first_name, claim.patient_last_name) == ("ADA", "EXAMPLE")
    assert claim.patient_date_of_birth == PATIENT.date_of_birth
    assert (claim.total_charged, claim.total_paid) == (Decimal(250), Decimal(200))
    assert claim.processed == date(2026, 11, 18)
    (payment,) = claim.payments
    assert (payment.number, payment.issued, payment.amount) == (
        "CHK777",
        date(2026, 11, 20),
        Decimal(200),
    )
    assert [one.procedure for one in claim.lines] == ["99213", "80053"]
    assert [(one.code, one.line_number) for one in claim.codes] == [("F1:65", "1"), ("F2:107", "2")]
    assert claim_status(claim).status is ClaimStatus.PAID


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((StatusLine(statuses=(Status(category="F1", code="65"),)),), ClaimStatus.PAID),
        (
            (StatusLine(statuses=(Status(category="F0", code="3"),), paid=Decimal(75)),),
            ClaimStatus.APPROVED,
        ),
        (lines("F2:107"), ClaimStatus.DENIED),
        (lines("P1:20", "F2:107"), ClaimStatus.MULTIPLE),
        (lines("P1:20 P3:21"), ClaimStatus.MULTIPLE),
        (lines("A5:0"), ClaimStatus.MULTIPLE),
        (lines("ZZ:1"), ClaimStatus.UNKNOWN),
        ((), ClaimStatus.UNKNOWN),
    ],
)
def test_the_shared_status_room_reads_its_codes(
    statuses: tuple[StatusLine, ...], expected: ClaimStatus
) -> None:
    found = ClaimReply(
        key=KEY,
        trace="T1",
        statuses=statuses,
        payer_claim_number="X1",
        subscriber=PersonName(last="EXAMPLE", first="ADA"),
    )
    claim = claim_of(found, payer_id="X1200", tin="070000001", patient=PATIENT)
    assert claim_status(claim).status is expected


def test_a_remittance_without_money_is_no_payment() -> None:
    line = StatusLine(
        statuses=(Status(category="F2", code="107"),), paid=Decimal(0), payment_number="N1"
    )
    found = ClaimReply(key=KEY, trace="T1", statuses=(line,), payer_claim_number="X1")
    claim = claim_of(found, payer_id="X1200", tin="070000001", patient=PATIENT)
    assert not claim.payments


def test_a_dependents_claim_has_the_dependents_name_and_the_subscribers_id() -> None:
    found = ClaimReply(
        key=KEY,
        trace="T1",
        subscriber=PersonName(last="EXAMPLE", first="ADA", id="M1"),
        dependent=PersonName(last="EXAMPLE", first="BO"),
    )
    claim = claim_of(found, payer_id="X1200", tin="070000001", patient=PATIENT)
    assert (claim.patient_first_name, claim.subscriber_id) == ("BO", "M1")
