"""The sandbox's clearinghouse writes what independent libraries accept."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import x12sdk.io
from pyx12.params import params
from pyx12.x12n_document import x12n_document

from claims_pipeline.model import DateWindow
from claims_pipeline.payers.x12.inquiries import Inquiry, Member, Provider
from claims_pipeline.payers.x12.writing import numbered, write_file
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.clearinghouse import Clearinghouse
from claims_pipeline.sandbox.x12.faults import Fault, Faults, FaultScript, read_scripts
from claims_pipeline_tests.payers.x12.builders import AT, CONTROL, make_inquiry, make_partner

TODAY = date(2026, 11, 30)
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def exchanged(folder: Path, inquiries: list[Inquiry], *faults: str) -> list[bytes]:
    """What a clearinghouse answers to one file, in order."""
    clock = [NOW]
    world = World(seed=7, today=TODAY)
    house = Clearinghouse(
        outgoing=folder / "outgoing",
        incoming=folder / "incoming",
        make_world=lambda _day: world,
        today=lambda: TODAY,
        delay=timedelta(hours=1),
        scripts=[FaultScript(fault=Fault(one)) for one in faults],
        now=lambda: clock[0],
    )
    house.step()
    file = write_file(numbered([inquiries], 1), partner=make_partner(), control=CONTROL, at=AT)
    (folder / "outgoing" / "a.x12").write_bytes(file.content)
    for _ in range(4):
        house.step()
        clock[0] += timedelta(hours=1)
    assert not house.has_answers_left
    return [path.read_bytes() for path in sorted((folder / "incoming").glob("*.x12"))]


@pytest.fixture
def inquiries() -> list[Inquiry]:
    world = World(seed=7, today=TODAY)
    window = DateWindow(TODAY - timedelta(days=70), TODAY - timedelta(days=60))
    # The other library keeps the last line of a claim alone, and then misses the others.
    long = {
        record.person.index
        for record in world.search(world.practices[0], window)
        if len(record.lines) > 1
    }
    records = [
        record
        for record in world.search(world.practices[0], window)
        if record.person.index not in long
    ]
    return [
        make_inquiry(
            number,
            provider=Provider(name="Sample", tin="070000001"),
            subscriber=Member(
                last_name=record.person.last_name,
                first_name=record.person.first_name,
                date_of_birth=record.person.date_of_birth,
                id=record.person.subscriber_id,
            ),
            window=window,
        )
        for number, record in enumerate(records[:60])
    ]


def test_its_277_is_one_to_another_library(tmp_path: Path, inquiries: list[Inquiry]) -> None:
    ta1, ack, answers = exchanged(tmp_path, inquiries)
    assert b"TA1*000000017*" in ta1
    assert b"IK5*A" in ack
    with x12sdk.io.X12ModelReader(answers.decode()) as reader:
        (model,) = reader.models()
    assert len(list(model.claims())) >= len(inquiries) > 20


@pytest.mark.parametrize("faults", [[], ["inquiry_refused"]])
def test_its_999_is_one_to_another_library(
    tmp_path: Path, inquiries: list[Inquiry], faults: list[str]
) -> None:
    _, ack, *_ = exchanged(tmp_path, inquiries[:3], *faults)
    said = io.StringIO()
    assert x12n_document(params(), io.StringIO(ack.decode()), said, None, None)


def test_a_fault_happens_as_often_as_its_script_says() -> None:
    scripts = read_scripts(b'[{"fault": "down", "every": 3, "times": 2}]')
    faults = Faults(scripts)
    happened = [faults.happens(Fault.DOWN) for _ in range(12)]
    assert [number for number, one in enumerate(happened, start=1) if one] == [3, 6]
    assert not faults.happens(Fault.TWICE)


def test_a_file_that_is_none_is_counted_and_collected(tmp_path: Path) -> None:
    make: Callable[[date], World] = lambda day: World(seed=7, today=day)  # noqa: E731
    house = Clearinghouse(
        outgoing=tmp_path / "outgoing",
        incoming=tmp_path / "incoming",
        make_world=make,
        today=lambda: TODAY,
    )
    house.step()
    (tmp_path / "outgoing" / "a.txt").write_bytes(b"nothing of the kind")
    house.step()
    assert house.counts.unreadable_files == 1
    assert not list((tmp_path / "outgoing").glob("*.txt"))
