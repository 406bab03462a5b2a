"""What we write is a whole 276, whatever names, ids and separators it is made of."""

import re
from datetime import date
from decimal import Decimal

import pytest
import x12sdk.io
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import DateWindow
from claims_pipeline.payers.x12.inquiries import Inquiry, Member, Provider
from claims_pipeline.payers.x12.partner import problems_of
from claims_pipeline.payers.x12.segments import ReadTally, Segment, Separators, read_segments
from claims_pipeline.payers.x12.writing import WrittenFile, check, divided, numbered, write_file
from claims_pipeline_tests.payers.x12.builders import (
    AT,
    CONTROL,
    FIRST_SET,
    make_file,
    make_inquiry,
    make_partner,
)
from claims_pipeline_tests.thoroughness import examples

SIGNS = '!"#$%()*+,:;<=>?@[\\]^`{|}~\x1c\x1d\x1e\x1f'


def segments_of(file: WrittenFile) -> list[Segment]:
    tally = ReadTally()
    found = list(read_segments([file.content], tally))
    assert not tally.junk_bytes
    assert not tally.cut_off
    return found


def by_another_library(file: WrittenFile) -> list[object]:
    with x12sdk.io.X12ModelReader(file.content.decode()) as reader:
        return list(reader.models())


def test_an_inquiry_stands_as_the_guide_has_it() -> None:
    lines = make_file().content.decode().split("~")
    assert lines == [
        (
            "ISA*00*          *00*          *ZZ*BILLER01       *ZZ*CLEARING       *261201*0930"
            "*^*00501*000000017*1*T*:"
        ),
        "GS*HR*BILLER01*CLEARING*20261201*0930*17*X*005010X212",
        "ST*276*0041*005010X212",
        "BHT*0010*13*0000000170041*20261201*0930",
        "HL*1**20*1",
        "NM1*PR*2*SAMPLE HEALTH PLAN*****PI*X1200",
        "HL*2*1*21*1",
        "NM1*41*2*SAMPLE BILLING*****46*S12345",
        "HL*3*2*19*1",
        "NM1*1P*2*SAMPLE PRACTICE*****XX*0000000001",
        "HL*4*3*22*0",
        "DMG*D8*19750510*F",
        "NM1*IL*1*EXAMPLE*ADA****MI*M00000001",
        "TRN*1*T00001",
        "DTP*472*RD8*20261001-20261015",
        "SE*14*0041",
        "GE*1*17",
        "IEA*1*000000017",
        "",
    ]


def test_the_header_of_an_interchange_has_106_bytes() -> None:
    assert make_file().content.index(b"GS") == 106


def test_a_dependent_is_asked_for_below_the_subscriber() -> None:
    inquiry = make_inquiry(
        dependent=Member(
            last_name="Example", first_name="Bo", date_of_birth=date(2010, 1, 2), gender="U"
        ),
        window=DateWindow(date(2026, 10, 1), date(2026, 10, 1)),
        payer_claim_number="C-1",
        account_number="A 1",
        charged=Decimal("100.50"),
    )
    found = [
        "*".join((one.id, *one.elements))
        for one in segments_of(make_file([inquiry]))
        if one.id in {"HL", "DMG", "NM1", "TRN", "REF", "AMT", "DTP"}
    ]
    assert found[6:] == [
        "HL*4*3*22*1",
        "NM1*IL*1*EXAMPLE*ADA****MI*M00000001",
        "HL*5*4*23",
        "DMG*D8*20100102",
        "NM1*QC*1*EXAMPLE*BO",
        "TRN*1*T00001",
        "REF*1K*C-1",
        "REF*EJ*A 1",
        "AMT*T3*100.5",
        "DTP*472*D8*20261001",
    ]
    assert by_another_library(make_file([inquiry]))


def test_a_practice_without_an_npi_is_named_by_its_tax_id() -> None:
    inquiry = make_inquiry(provider=Provider(name="Sample Practice", tin="070000001"))
    assert b"NM1*1P*2*SAMPLE PRACTICE*****FI*070000001~" in make_file([inquiry]).content


_people = st.builds(
    Member,
    last_name=st.text(min_size=1, max_size=80).map(lambda text: f"L{text}"),
    first_name=st.text(min_size=1, max_size=50).map(lambda text: f"F{text}"),
    date_of_birth=st.dates(min_value=date(1900, 1, 1), max_value=date(2026, 1, 1)),
    gender=st.sampled_from(["M", "F", "U", None]),
    id=st.from_regex(r"[A-Z0-9]{2,20}", fullmatch=True),
)
_providers = st.builds(
    Provider,
    name=st.text(max_size=90),
    tin=st.just("070000001"),
    npi=st.sampled_from([None, "0000000001", "0000000002"]),
)


@st.composite
def _inquiries(draw: st.DrawFn) -> list[Inquiry]:
    count = draw(st.integers(min_value=1, max_value=12))
    return [
        make_inquiry(
            number,
            subscriber=draw(_people),
            dependent=draw(st.none() | _people),
            provider=draw(_providers),
        )
        for number in range(count)
    ]


@st.composite
def _separators(draw: st.DrawFn) -> Separators:
    signs = draw(st.permutations(SIGNS))
    return Separators(
        element=signs[0], component=signs[1], repetition=signs[2], terminator=signs[3]
    )


@given(inquiries=_inquiries(), signs=_separators(), line_ends=st.booleans())
@settings(max_examples=examples(200), deadline=None)
def test_no_name_and_no_separator_breaks_a_file(
    inquiries: list[Inquiry], signs: Separators, *, line_ends: bool
) -> None:
    partner = make_partner(separators=signs, line_ends=line_ends, claims_per_set=5)
    assert not list(problems_of(partner))
    file = write_file(
        numbered(divided(inquiries, partner), FIRST_SET), partner=partner, control=CONTROL, at=AT
    )
    segments = segments_of(file)
    assert [one.elements[1] for one in segments if one.id == "TRN"] == [
        inquiry.trace for inquiry in inquiries
    ]
    _assert_counts_agree(segments)
    _assert_levels_make_a_tree(segments)
    assert {trace for one in file.sets for trace in one.traces} == {
        inquiry.trace for inquiry in inquiries
    }


def _assert_counts_agree(segments: list[Segment]) -> None:
    counted = sets = 0
    for one in segments:
        counted += 1
        if one.id == "ST":
            counted, sets, control = 1, sets + 1, one.at(2)
        elif one.id == "SE":
            assert (int(one.at(1)), one.at(2)) == (counted, control)
        elif one.id == "GE":
            assert int(one.at(1)) == sets
        elif one.id == "IEA":
            assert (one.at(1), one.at(2)) == ("1", segments[0].at(13))


def _assert_levels_make_a_tree(segments: list[Segment]) -> None:
    above = {"20": "", "21": "20", "19": "21", "22": "19", "23": "22"}
    levels: dict[str, str] = {}
    parents: set[str] = set()
    childless: set[str] = set()
    for one in segments:
        if one.id == "ST":
            levels, parents, childless = {}, set(), set()
        elif one.id == "HL":
            assert one.at(1) == str(len(levels) + 1)
            assert levels.get(one.at(2), "") == above[one.at(3)]
            levels[one.at(1)] = one.at(3)
            parents.add(one.at(2))
            if one.at(4) != "1":
                childless.add(one.at(1))
        elif one.id == "SE":
            assert not childless & parents
            assert (childless | parents) - {""} == set(levels)


@given(inquiries=_inquiries())
@settings(max_examples=examples(60), deadline=None)
def test_another_library_reads_what_we_write(inquiries: list[Inquiry]) -> None:
    file = write_file(
        numbered([inquiries], FIRST_SET), partner=make_partner(), control=CONTROL, at=AT
    )
    models = by_another_library(file)
    assert len(models) == 1
    traces = re.findall(r"TRN\*1\*(\w+)~", models[0].x12().replace("\n", ""))  # type: ignore[attr-defined]
    assert traces == [inquiry.trace for inquiry in inquiries]


def test_sets_and_files_are_as_large_as_the_partner_wants_them() -> None:
    partner = make_partner(claims_per_set=10, sets_per_file=3)
    asked = [make_inquiry(number) for number in range(45)]
    assert [len(one) for one in divided(asked, partner)] == [10, 10, 10]
    small = make_partner(claims_per_set=10, max_file_bytes=3_000)
    cut = divided(asked, small)
    file = write_file(numbered(cut, FIRST_SET), partner=small, control=CONTROL, at=AT)
    assert 1 <= sum(map(len, cut)) < 45
    assert len(file.content) <= 3_000


def test_a_single_inquiry_that_is_larger_than_a_file_goes_alone() -> None:
    partner = make_partner(max_file_bytes=2_000)
    long = [
        make_inquiry(number, provider=Provider(name="X" * 3_000, tin="070000001"))
        for number in range(2)
    ]
    assert [len(one) for one in divided(long, partner)] == [1]


def test_two_payers_are_never_asked_in_one_set() -> None:
    other = make_inquiry(3).payer.__class__(id="X1201", name="Other Plan")
    asked = [make_inquiry(1), make_inquiry(2, payer=other), make_inquiry(3)]
    cut = divided(asked, make_partner())
    assert [[one.trace for one in part] for part in cut] == [["T00001", "T00003"], ["T00002"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subscriber": Member(last_name="??", first_name="Ada", id="M1")}, "name_not_askable"),
        ({"subscriber": Member(last_name="A", first_name="B", id="M*1")}, "id_not_sendable"),
        ({"subscriber": Member(last_name="A", first_name="B", id="")}, "id_not_sendable"),
        ({"subscriber": Member(last_name="A", first_name="B", id="É1")}, "id_not_sendable"),
        ({"payer_claim_number": "1~2"}, "id_not_sendable"),
    ],
)
def test_what_cannot_stand_in_a_file_is_told_before(change: dict[str, object], code: str) -> None:
    inquiry = make_inquiry(dependent=make_inquiry().subscriber, **change)
    with pytest.raises(PayerError) as caught:
        check(inquiry, make_partner())
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.FIX_INPUT, code)


def test_the_same_file_can_be_written_again() -> None:
    assert make_file().content == make_file().content


@pytest.mark.parametrize(
    "changes",
    [
        {"separators": Separators(element="A")},
        {"separators": Separators(element="~")},
        {"separators": Separators(component="-")},
        {"sender_qualifier": "99"},
        {"sender_id": "TOO LONG FOR THE FIELD"},
        {"submitter_id": "X"},
        {"usage": "Q"},
        {"claims_per_set": 0},
        {"max_file_bytes": 10},
        {"outgoing": "same", "incoming": "same"},
        {"name": "Not A Name"},
    ],
)
def test_a_partner_that_would_break_a_file_is_refused(changes: dict[str, object]) -> None:
    assert list(problems_of(make_partner(**changes)))
