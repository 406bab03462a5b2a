"""The pages of followed claims over HTTP: what they show, what they change, who sees them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.upload_api.pages.work.work_view import PAGE_SIZE
from claims_pipeline_tests.store.tracked.builders import NOW, Row, follow, tracked
from claims_pipeline_tests.upload_api.api import OTHER_ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.readers import Reader, words_of

_BOX = re.compile(r'name="claim:([^"]+)"')


def denied(number: int, charged: int = 100) -> Row:
    return Row(
        person=f"EXAMPLE{chr(65 + number % 26)}{chr(65 + number // 26)}",
        charged=Decimal(charged),
        claims=((f"FH{number:08d}", ClaimStatus.DENIED),),
        codes=("197",),
    )


@pytest.fixture
def reader(page_api: Api) -> Iterator[Reader]:
    return Reader(page_api)


def test_anonymous_people_are_led_to_the_sign_in(page_api: Api) -> None:
    for path in ("/work", "/work/changes", "/work/denials", "/work/some-id", "/work/work.csv"):
        answer = page_api.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in")


def test_without_followed_claims_the_page_says_how_they_come_about(reader: Reader) -> None:
    assert "switched on" in reader.words("/work")
    assert "Nothing has changed yet" in reader.words("/work/changes")
    assert "No denials" in reader.words("/work/denials")


def test_claims_are_shown_most_dollars_first_and_a_page_at_a_time(
    page_api: Api, reader: Reader
) -> None:
    follow(page_api.engine, *(denied(number, number + 1) for number in range(PAGE_SIZE + 3)))
    html = reader.page("/work")
    assert len(_BOX.findall(html)) == PAGE_SIZE
    assert f"{PAGE_SIZE + 3} claims, $1,431.00 still to be won" in words_of(html)
    assert html.index(f"FH{PAGE_SIZE + 2:08d}") < html.index("FH00000009")
    assert len(_BOX.findall(reader.page("/work?page=2"))) == 3


def test_many_claims_are_changed_by_one_form(page_api: Api, reader: Reader) -> None:
    follow(page_api.engine, denied(1), denied(2), denied(3))
    chosen = _BOX.findall(reader.page("/work"))[:2]
    answer = reader.post(
        "/work/change",
        data={
            **{f"claim:{each}": "on" for each in chosen},
            "do": "mine",
            "note": "Called the payer.",
            "to_follow_up_on": "2020-01-02",
        },
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/work")
    assert len(_BOX.findall(reader.page("/work?owner=me"))) == 2
    assert len(_BOX.findall(reader.page("/work?overdue=true"))) == 2
    assert len(_BOX.findall(reader.page("/work?owner=nobody"))) == 1
    assert "Called the payer." in reader.words(f"/work/{chosen[0]}")

    reader.post("/work/change", data={f"claim:{chosen[0]}": "on", "do": "done", "owner": "me"})
    assert len(_BOX.findall(reader.page("/work"))) == 2
    assert "Done" in reader.words("/work?with_done=true")


def test_without_a_choice_or_with_a_wrong_day_nothing_is_changed(
    page_api: Api, reader: Reader
) -> None:
    follow(page_api.engine, denied(1))
    answer = reader.post("/work/change", data={"do": "mine"})
    assert answer.status_code == 422
    assert "Choose at least one claim" in words_of(answer.text)
    [box] = _BOX.findall(reader.page("/work"))
    wrong = reader.post("/work/change", data={f"claim:{box}": "on", "to_follow_up_on": "soon"})
    assert wrong.status_code == 422
    assert [claim.owner for claim in tracked(page_api.engine)] == [None]


def test_a_name_is_searched_for_in_a_form_and_stands_in_no_address(
    page_api: Api, reader: Reader
) -> None:
    follow(page_api.engine, denied(1), denied(2))
    answer = reader.post("/work/search", data={"search": "exampleBA"})
    assert len(_BOX.findall(answer.text)) == 1
    assert "exampleBA" not in re.sub(r'value="exampleBA"', "", answer.text)
    empty = reader.post("/work/search", data={"search": "", "owner": "me"})
    assert (empty.status_code, empty.headers["Location"]) == (303, "/work?owner=me")
    [box] = _BOX.findall(answer.text)
    again = reader.post(
        "/work/change", data={f"claim:{box}": "on", "do": "mine", "search": "exampleBA"}
    )
    assert again.status_code == 200
    assert "you" in words_of(again.text)


def test_what_a_file_wrote_is_text(page_api: Api, reader: Reader) -> None:
    follow(
        page_api.engine,
        Row(person="<img src=x>", claims=(("FH00000001", ClaimStatus.DENIED),), codes=("197",)),
    )
    [box] = _BOX.findall(reader.page("/work"))
    for path in ("/work", f"/work/{box}"):
        assert "<img" not in reader.page(path)


def test_a_row_in_doubt_is_decided_on_its_page_and_taken_back(
    page_api: Api, reader: Reader
) -> None:
    doubtful = Row(
        outcome=Outcome.AMBIGUOUS,
        claims=(("FH00000001", ClaimStatus.PENDING), ("FH00000002", ClaimStatus.DENIED)),
    )
    follow(page_api.engine, doubtful)
    [claim] = tracked(page_api.engine)
    html = reader.page(f"/work/{claim.id}")
    keys = re.findall(r'name="candidate" value="([0-9a-f]{32})"', html)
    assert len(keys) == 2
    nothing = reader.post(f"/work/{claim.id}/change", data={"do": "decide"})
    assert nothing.status_code == 422

    answer = reader.post(f"/work/{claim.id}/change", data={"do": "decide", "candidate": keys[1]})

    assert answer.status_code == 303
    assert [each.status for each in tracked(page_api.engine)] == ["DENIED"]
    assert "Take the choice back" in reader.words(f"/work/{claim.id}")
    reader.post(f"/work/{claim.id}/change", data={"do": "undo"})
    assert [each.status for each in tracked(page_api.engine)] == ["ambiguous"]


def test_changes_and_groups_of_denials_have_pages(page_api: Api, reader: Reader) -> None:
    pending = Row(person="WAITING", claims=(("FH00000009", ClaimStatus.PENDING),))
    follow(page_api.engine, pending, denied(1, 70))
    paid = Row(person="WAITING", claims=(("FH00000009", ClaimStatus.PAID),))
    follow(page_api.engine, paid, checked_at=NOW + timedelta(days=14))
    words = reader.words("/work/changes")
    assert "WAITING, ADA" in words
    assert "Pending Paid" in words
    groups = reader.page("/work/denials")
    assert "$70.00" in groups
    link = re.search(r'href="(/work/work\.csv\?[^"]*)"', groups)
    assert link is not None
    exported = reader.get(link[1].replace("&amp;", "&"))
    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert exported.text.count("FH00000001") == 1


def test_another_organization_sees_nothing_of_it(page_api: Api) -> None:
    follow(page_api.engine, denied(1))
    [claim] = tracked(page_api.engine)
    other = Reader(page_api, organization=OTHER_ORGANIZATION)
    assert "EXAMPLE" not in other.page("/work")
    hidden, unknown = other.get(f"/work/{claim.id}"), other.get("/work/nobody")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    said = {
        re.sub(r"equest id: \S+", "", answer.text).replace(claim.id, "").replace("nobody", "")
        for answer in (hidden, unknown)
    }
    assert len(said) == 1
    changed = other.post(f"/work/{claim.id}/change", data={"do": "mine"})
    assert changed.status_code in {303, 404}
    assert [each.owner for each in tracked(page_api.engine)] == [None]
