"""Files of clearinghouses as they come: every variant is read, and no claim is lost."""

import io
import re
from datetime import date
from decimal import Decimal

import pytest
import x12sdk.generate
import x12sdk.io
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyx12.x12file import X12Reader

from claims_pipeline.payers.x12.replies import (
    ClaimReply,
    FileTally,
    InterchangeAck,
    ProviderReply,
    ReceiverReply,
    SetAck,
    SetError,
    Status,
    Verdict,
)
from claims_pipeline.payers.x12.segments import ReadTally, Separators, read_segments
from claims_pipeline_tests.payers.x12.builders import (
    CLAIM,
    claims_in,
    envelope,
    framed,
    replies_of,
    status_set,
)
from claims_pipeline_tests.thoroughness import examples

BASE = envelope(status_set(CLAIM))
OTHER_SIGNS = Separators(element="|", component=">", repetition="!", terminator="\x1d")
TWO = CLAIM + CLAIM.replace("HL*4*", "HL*5*").replace("T00001", "T00002")


def test_a_claim_is_read_whole() -> None:
    (claim,) = claims_in(BASE)
    assert (claim.key.interchange, claim.key.group, claim.key.set) == ("000000905", "905", "0001")
    assert (claim.trace, claim.provider_id) == ("T00001", "0000000001")
    assert (claim.subscriber.last, claim.subscriber.first, claim.subscriber.id) == (
        "EXAMPLE",
        "ADA",
        "M00000001",
    )
    (status,) = claim.statuses
    assert status.statuses == (Status(category="F1", code="65"),)
    assert (status.charged, status.paid) == (Decimal(250), Decimal(200))
    assert (status.decided, status.remitted) == (date(2026, 11, 18), date(2026, 11, 20))
    assert status.payment_number == "CHK777"
    assert (claim.payer_claim_number, claim.account_number) == ("X120000001", "PT1-0001")
    assert (claim.clearinghouse_number, claim.voucher, claim.bill_type) == ("D9-1", "V-1", "111")
    assert (claim.service_from, claim.service_to) == (date(2026, 10, 3), date(2026, 10, 4))
    first, second = claim.lines
    assert (first.procedure, first.modifiers, first.revenue_code) == ("99213", ("25",), "0450")
    assert (first.charged, first.paid, first.units) == (Decimal(150), Decimal(120), "1")
    assert (first.control_number, first.service_from) == ("L1", date(2026, 10, 3))
    assert second.statuses[0].statuses == (Status(category="F2", code="107"),)


_FEWER_SEGMENTS = status_set(
    """
    HL*4*3*22*0
    NM1*IL*1*EXAMPLE*ADA****MI*M00000001
    TRN*2*T00001
    STC*A2:20*20261120**250
    """
)
# Names of the variants of channels.md, section 2, and further ones; each holds one claim.
VARIANTS: dict[str, bytes] = {
    "base": BASE,
    "one line": envelope(_FEWER_SEGMENTS),
    "further statuses in one STC": BASE.replace(b"*CHK777", b"*CHK777*A2:20*P1:21"),
    "two STCs": BASE.replace(b"REF*1K", b"STC*P1:20*20261120~REF*1K"),
    "check fields": BASE,
    "other separators": envelope(status_set(CLAIM), signs=OTHER_SIGNS),
    "two interchanges": BASE.replace(b"T00001", b"") + BASE.replace(b"000000905", b"000000906"),
    "line ends behind the terminator": BASE.replace(b"~", b"~\r\n"),
    "wrong count of segments": envelope(status_set(CLAIM, count=3)),
    "lines without units": BASE.replace(b"*0450***1", b"*0450"),
    "lines without days": BASE.replace(b"DTP*472*D8*20261003~", b""),
    "a reference of an inquiry": BASE.replace(b"REF*EJ", b"REF*LU*11~REF*EJ"),
    "a subscriber that is no person": BASE.replace(b"NM1*IL*1*", b"NM1*IL*2*"),
    "a status without its 508": BASE.replace(b"F1:65*", b"F1:*"),
    "empty status date": BASE.replace(b"*20261120**250", b"***250"),
    "an acknowledgment of the interchange before": BASE.replace(
        b"GS*HN", b"TA1*000000017*261201*0930*A*000~GS*HN"
    ),
    "lower case": BASE.replace(b"EXAMPLE*ADA", b"Example*Ada").replace(b"STC*F1", b"stc*f1"),
    "line feed as the terminator": BASE.replace(b"~", b"\n"),
    "a dependent": envelope(
        status_set(
            CLAIM.replace("HL*4*3*22*0", "HL*4*3*22*1").replace(
                "TRN*", "HL*5*4*23\nNM1*QC*1*EXAMPLE*BO\nTRN*"
            )
        )
    ),
    "no trailer of the set": re.sub(rb"SE\*\d+\*0001~", b"", BASE),
    "no trailers at all": BASE[: BASE.index(b"SE*")]
    + b"HL*5*3*22*0~NM1*IL*1*OTHER*O****MI*M2~TRN*2*T00002~",
    "no terminator at the end": BASE[:-1],
    "a header whose blanks were lost": re.sub(rb" +\*", b"*", BASE, count=4),
    "a mark of byte order": b"\xef\xbb\xbf" + BASE,
    "text before": b"Your files of today:\r\n" + BASE,
    "a segment nobody knows": BASE.replace(b"REF*1K", b"ZZZ*WHAT~REF*1K"),
    "an amount that is none": BASE.replace(b"*250*200*", b"*250*abc*"),
    "days that are none": BASE.replace(b"*D8*20261003", b"*D8*20261399"),
    "names beyond ASCII": BASE.replace(b"*ADA*", "*ZOË*".encode()),
    "names in Windows-1252": BASE.replace(b"*ADA*", b"*ZO\xcb*"),
    "another version": BASE.replace(b"ST*277*0001*005010X212", b"ST*277*0001"),
    "no HL children": BASE.replace(b"HL*4*3*22*0", b"HL*4**22"),
}


@pytest.mark.parametrize("name", list(VARIANTS))
@pytest.mark.parametrize("chunk", [65536, 1, 7])
def test_every_variant_keeps_its_claim(name: str, chunk: int) -> None:
    found, tally = replies_of(VARIANTS[name], chunk=chunk)
    claims = [one for one in found if isinstance(one, ClaimReply)]
    assert [one.trace for one in claims if one.trace] == ["T00001"]
    (claim,) = claims
    assert claim.statuses[0].statuses[0].category in {"F1", "A2"}
    assert tally.claim_replies >= 1


def test_several_claims_of_one_inquiry_are_all_read() -> None:
    body = CLAIM + CLAIM[CLAIM.index("TRN") :].replace("X120000001", "X120000002")
    found = claims_in(envelope(status_set(body)))
    assert [(one.trace, one.payer_claim_number) for one in found] == [
        ("T00001", "X120000001"),
        ("T00001", "X120000002"),
    ]


def test_a_rejection_at_the_receiver_is_one_of_the_whole_set() -> None:
    body = """
        BHT*0010*08*REF0001*20261202*0700*DG
        HL*1**20*1
        NM1*PR*2*SAMPLE HEALTH PLAN*****PI*X1200
        HL*2*1*21*0
        NM1*41*2*SAMPLE BILLING*****46*S12345
        TRN*2*0000000170041
        STC*E0:24*20261202
    """
    found, _ = replies_of(envelope(framed(body)))
    (reply,) = found
    assert isinstance(reply, ReceiverReply)
    assert reply.reference == "0000000170041"
    assert reply.statuses[0].statuses[0].category == "E0"


def test_a_rejection_of_a_provider_names_it() -> None:
    found, _ = replies_of(envelope(status_set("TRN*1*0\nSTC*E0:562:1P*20261202")))
    (reply,) = found
    assert isinstance(reply, ProviderReply)
    assert (reply.provider_id, reply.reference) == ("0000000001", "REF0001")


def test_acknowledgments_are_read() -> None:
    content = b"".join(
        [
            envelope().replace(b"IEA*1", b"TA1*000000017*261201*0930*R*006~IEA*1"),
            envelope(
                framed(
                    """
                    AK1*HR*17*005010X212
                    AK2*276*0041*005010X212
                    IK3*NM1*9*2100*8
                    CTX*TRN02:T00001
                    IK4*9*67*7
                    IK3*DTP*30**I6
                    CTX*SITUATIONAL TRIGGER*DTP*30
                    CTX*TRN02:T00009
                    IK5*R*5
                    AK2*276*0042*005010X212
                    IK5*A
                    AK9*P*2*2*1
                    """,
                    kind="999",
                ),
                kind="FA",
                version="005010X231A1",
            ),
        ]
    )
    found, tally = replies_of(content)
    assert found == [
        InterchangeAck(interchange="000000017", verdict=Verdict.REFUSED, note="006"),
        SetAck(
            group="17",
            set="0041",
            verdict=Verdict.REFUSED,
            errors=(
                SetError(segment="NM1", code="8", traces=("T00001",)),
                SetError(segment="DTP", code="I6", traces=("T00009",)),
            ),
        ),
        SetAck(group="17", set="0042", verdict=Verdict.TAKEN),
        SetAck(group="17", set=None, verdict=Verdict.NOTED),
    ]
    assert (tally.sets_999, tally.interchange_acks) == (1, 1)


def test_an_acknowledgment_of_claims_that_were_filed_is_recognized_and_kept_out() -> None:
    by_version = envelope(status_set(CLAIM).replace("X212", "X214"), version="005010X214")
    by_structure = envelope(status_set(CLAIM, bht="0085"))
    for content in (by_version, by_structure):
        found, tally = replies_of(content)
        assert not found
        assert (tally.sets_277ca, tally.sets_277, tally.sets_other) == (1, 0, 0)


def test_other_transactions_are_counted_and_kept_out() -> None:
    content = envelope(framed("BPR*I*100", kind="835"), kind="HP", version="005010X221A1")
    found, tally = replies_of(content)
    assert not found
    assert tally.sets_other == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 300, b"claim_number,first_name\n1,2\n", b"%PDF-1.7 ISAAC", b"ISA" * 500],
)
def test_what_is_no_x12_is_told_from_it(content: bytes) -> None:
    found, tally = replies_of(content)
    assert not found
    assert not tally.is_x12


def test_of_a_file_that_is_cut_off_the_last_inquiry_is_left_out() -> None:
    content = envelope(status_set(TWO))
    second = content.index(b"T00002")
    for end in range(second + 8, len(content) - 30):
        found, tally = replies_of(content[:end])
        traces = [one.trace for one in found if isinstance(one, ClaimReply)]
        if content[:end].rfind(b"SE*") < second:
            assert traces == ["T00001"]
            assert tally.cut_answers == 1
        assert tally.is_cut_off


def test_wrong_counts_are_counted_and_change_nothing() -> None:
    content = envelope(status_set(CLAIM, count=99)).replace(b"GE*1*905", b"GE*7*1")
    found, tally = replies_of(content)
    assert len(found) == 1
    assert tally.wrong_counts == 2


def test_statuses_without_an_inquiry_are_counted_and_kept_out() -> None:
    content = envelope(
        status_set(CLAIM.replace("TRN*2*T00001", "")),
        status_set(CLAIM.replace("TRN*2*T00001", "TRN*2*"), control="0002"),
    )
    found, tally = replies_of(content)
    assert not found
    assert tally.without_trace >= 2


def test_a_segment_without_an_end_takes_no_memory_and_no_claim() -> None:
    broken = BASE + b"ISA*00*" + b"x" * 2_000_000
    found, tally = replies_of(broken, chunk=1000)
    assert len(found) == 1
    long = BASE.replace(b"REF*1K", b"NTE*" + b"y" * 100_000 + b"~REF*1K")
    found, tally = replies_of(long, chunk=1000)
    assert len(found) == 1
    assert tally.bytes.too_long == 1


@pytest.mark.parametrize("seed", range(12))
def test_pairs_that_another_library_makes_are_read_all_of_them(seed: int) -> None:
    patients = 40
    inquiry = x12sdk.generate.generate_276(seed=seed, patients=patients)
    response = x12sdk.generate.generate_277(seed=seed, patients=patients)
    asked = re.findall(r"TRN\*1\*([^~*]+)", inquiry)
    found = claims_in(response.encode())
    assert [one.trace for one in found] == asked
    assert len(asked) == patients
    with x12sdk.io.X12ModelReader(response) as reader:
        theirs = [claim for model in reader.models() for claim in model.claims()]
    assert [one.statuses[0].charged for one in found] == [claim.charge for claim in theirs]
    assert [one.statuses[0].paid for one in found] == [claim.paid for claim in theirs]
    assert [one.subscriber.id for one in found] == [claim.member_id for claim in theirs]


@pytest.mark.parametrize("name", ["base", "other separators", "two interchanges", "lower case"])
def test_a_second_reader_sees_the_same_segments(name: str) -> None:
    content = VARIANTS[name]
    theirs = [
        [one.get_seg_id(), *[part.format() for part in one.elements]]
        for one in X12Reader(io.StringIO(content.decode()))
    ]
    ours = [[one.id, *one.elements] for one in read_segments([content], ReadTally())]
    assert [one[0].upper() for one in theirs] == [one[0] for one in ours]


_PIECES = re.split(rb"(?<=~)", BASE + envelope(status_set(TWO), signs=OTHER_SIGNS))


@st.composite
def _broken_files(draw: st.DrawFn) -> bytes:
    """Pieces of real files, in any order, some of them damaged."""
    pieces = draw(st.lists(st.sampled_from(_PIECES), max_size=60))
    content = bytearray(b"".join(pieces))
    for _ in range(draw(st.integers(min_value=0, max_value=6))):
        if content:
            at = draw(st.integers(min_value=0, max_value=len(content) - 1))
            content[at] = draw(st.integers(min_value=0, max_value=255))
    return bytes(content)


@given(content=st.binary(max_size=2_000) | _broken_files() | st.just(BASE))
@example(content=b"ISA*")
@example(content=BASE[:105])
@example(content=BASE[:106])
@settings(max_examples=examples(1_500), deadline=None)
def test_no_bytes_make_the_reader_fail_and_chunks_make_no_difference(content: bytes) -> None:
    whole, tally = replies_of(content)
    for chunk in (1, 13):
        parts, counted = replies_of(content, chunk=chunk)
        assert parts == whole
        assert _counts(counted) == _counts(tally)
    for one in whole:
        if isinstance(one, ClaimReply):
            assert one.trace


def _counts(tally: FileTally) -> tuple[object, ...]:
    return (
        tally.claim_replies,
        tally.interchanges,
        tally.sets_277,
        tally.without_trace,
        tally.cut_answers,
        tally.is_cut_off,
        tally.bytes.segments,
    )


@given(at=st.integers(min_value=0, max_value=len(BASE) - 1), byte=st.binary(min_size=1, max_size=1))
@settings(max_examples=examples(1_500), deadline=None)
def test_one_damaged_byte_costs_one_claim_at_most(at: int, byte: bytes) -> None:
    three = CLAIM + "".join(
        CLAIM.replace("HL*4*", f"HL*{number + 3}*").replace("T00001", f"T{number:05d}")
        for number in (2, 3, 4)
    )
    content = envelope(status_set(three))
    body = content.index(b"HL*4*")
    at = body + at * (len(content) - body) // len(BASE)
    damaged = content[:at] + byte + content[at + 1 :]
    traces = {one.trace for one in claims_in(damaged)}
    assert len({"T00001", "T00002", "T00003", "T00004"} - traces) <= 1
