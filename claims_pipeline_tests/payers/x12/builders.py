"""Partners, inquiries and files of a clearinghouse, made up."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from claims_pipeline.model import DateWindow
from claims_pipeline.payers.x12.inquiries import AskedPayer, Inquiry, Member, Provider
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.payers.x12.reading import read_replies
from claims_pipeline.payers.x12.replies import ClaimReply, FileTally, Reply
from claims_pipeline.payers.x12.segments import Separators
from claims_pipeline.payers.x12.writing import ControlNumbers, WrittenFile, numbered, write_file

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
CONTROL = ControlNumbers(interchange=17, group=17)
FIRST_SET = 41


def make_partner(**changes: object) -> Partner:
    partner = Partner(
        name="demo",
        sender_qualifier="ZZ",
        sender_id="BILLER01",
        receiver_qualifier="ZZ",
        receiver_id="CLEARING",
        application_sender="BILLER01",
        application_receiver="CLEARING",
        submitter_id="S12345",
        submitter_name="SAMPLE BILLING",
        usage="T",
        outgoing="demo/outgoing",
        incoming="demo/incoming",
    )
    return replace(partner, **changes)  # type: ignore[arg-type]


def make_inquiry(number: int = 1, **changes: object) -> Inquiry:
    inquiry = Inquiry(
        trace=f"T{number:05d}",
        payer=AskedPayer(id="X1200", name="Sample Health Plan"),
        provider=Provider(name="Sample Practice", tin="070000001", npi="0000000001"),
        subscriber=Member(
            last_name="Example",
            first_name="Ada",
            date_of_birth=date(1975, 5, 10),
            gender="F",
            id=f"M{number:08d}",
        ),
        window=DateWindow(date(2026, 10, 1), date(2026, 10, 15)),
    )
    return replace(inquiry, **changes)  # type: ignore[arg-type]


def make_file(inquiries: Iterable[Inquiry] | None = None, **changes: object) -> WrittenFile:
    asked = list(inquiries or [make_inquiry()])
    return write_file(
        numbered([asked], FIRST_SET), partner=make_partner(**changes), control=CONTROL, at=AT
    )


def envelope(
    *sets: str,
    kind: str = "HN",
    version: str = "005010X212",
    signs: Separators | None = None,
    interchange: str = "000000905",
) -> bytes:
    """An interchange around sets, each given as segments in lines, with `*` and `:`."""
    lines = [f"GS*{kind}*CLEARING*BILLER01*20261202*0700*905*X*{version}"]
    for one in sets:
        lines += [line.strip() for line in one.strip().splitlines() if line.strip()]
    lines += [f"GE*{len(sets)}*905", f"IEA*1*{interchange}"]
    isa = (
        "ISA*00*          *00*          *ZZ*CLEARING       *ZZ*BILLER01       "
        f"*261202*0700*^*00501*{interchange}*0*T*:"
    )
    text = "".join(f"{line}~" for line in (isa, *lines))
    if signs is not None:
        table = {"*": signs.element, ":": signs.component, "^": signs.repetition}
        table["~"] = signs.terminator
        text = text.translate({ord(old): new for old, new in table.items()})
    return text.encode("latin-1")


def status_set(
    body: str, *, control: str = "0001", count: int | None = None, bht: str = "0010"
) -> str:
    """A 277 with the payer's, receiver's and provider's levels; `body` follows them."""
    inner = f"""
        BHT*{bht}*08*REF0001*20261202*0700*DG
        HL*1**20*1
        NM1*PR*2*SAMPLE HEALTH PLAN*****PI*X1200
        HL*2*1*21*1
        NM1*41*2*SAMPLE BILLING*****46*S12345
        HL*3*2*19*1
        NM1*1P*2*SAMPLE PRACTICE*****XX*0000000001
        {body}
    """
    return framed(inner, control=control, count=count)


def framed(
    inner: str, *, control: str = "0001", count: int | None = None, kind: str = "277"
) -> str:
    segments = [line.strip() for line in inner.splitlines() if line.strip()]
    number = len(segments) + 2 if count is None else count
    version = "005010X231A1" if kind == "999" else "005010X212"
    return "\n".join([f"ST*{kind}*{control}*{version}", *segments, f"SE*{number}*{control}"])


CLAIM = """
    HL*4*3*22*0
    NM1*IL*1*EXAMPLE*ADA****MI*M00000001
    TRN*2*T00001
    STC*F1:65*20261120**250*200*20261118**20261120*CHK777
    REF*1K*X120000001
    REF*EJ*PT1-0001
    REF*D9*D9-1
    REF*VV*V-1
    REF*BLT*111
    DTP*472*RD8*20261003-20261004
    SVC*HC:99213:25*150*120*0450***1
    STC*F1:65*20261120
    REF*FJ*L1
    DTP*472*D8*20261003
    SVC*HC:80053*100*80****2
    STC*F2:107*20261120
    DTP*472*D8*20261004
"""


def replies_of(content: bytes, *, chunk: int = 65536) -> tuple[list[Reply], FileTally]:
    tally = FileTally()
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    return list(read_replies(chunks, tally)), tally


def claims_in(content: bytes) -> list[ClaimReply]:
    found, _ = replies_of(content)
    return [one for one in found if isinstance(one, ClaimReply)]
