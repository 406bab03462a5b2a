"""Followed claims over HTTP: who sees them, who changes them, what is kept of it."""

import csv
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.store import audit
from claims_pipeline.store.audit import AuditFilter
from claims_pipeline_tests.store.tracked.builders import NOW, Row, follow, tracked
from claims_pipeline_tests.upload_api.api import ORGANIZATION, OTHER_ORGANIZATION, Api

WORK = "/api/v1/claims/work/"
CHANGES = "/api/v1/claims/changes/"
DENIALS = "/api/v1/claims/denials/"


def _denied(number: int, charged: int, *codes: str) -> Row:
    return Row(
        person=f"EXAMPLE{chr(65 + number)}",
        charged=Decimal(charged),
        claims=((f"FH0000000{number}", ClaimStatus.DENIED),),
        codes=codes or ("197",),
    )


def _follow_four(api: Api, **options: Any) -> None:
    pending = Row(person="WAITING", claims=(("FH00000009", ClaimStatus.PENDING),))
    follow(
        api.engine,
        _denied(1, 50),
        _denied(2, 900),
        _denied(3, 300, "16", "197"),
        pending,
        **options,
    )


def _numbers(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [claim["claim_number"] for claim in answer.json()["results"]]


def test_what_needs_a_person_is_listed_by_what_can_be_won(api: Api) -> None:
    _follow_four(api)
    answer = api.get(WORK, token=api.issuer.token())
    assert _numbers(answer) == ["FH00000002", "FH00000003", "FH00000001"]
    assert (answer.json()["count"], answer.json()["dollars"]) == (3, "1250.00")
    assert "FH00000009" in _numbers(api.get(f"{WORK}?with_waiting=true", token=api.issuer.token()))


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("code=16", ["FH00000003"]),
        ("claim_status=DENIED&page_size=1", ["FH00000002"]),
        ("payer=uhc&page=2&page_size=2", ["FH00000001"]),
        ("payer=other", []),
        ("practice_id=2", []),
        ("next_action=review_denial", ["FH00000002", "FH00000003", "FH00000001"]),
        ("owner=me", []),
        ("owner=nobody&order=oldest&page_size=1", ["FH00000001"]),
        ("overdue=true", []),
        ("act_within=30", []),
        ("order=days_left", ["FH00000002", "FH00000003", "FH00000001"]),
    ],
)
def test_the_list_is_narrowed_sorted_and_paged(
    shared_api: Api, query: str, numbers: list[str]
) -> None:
    if not tracked(shared_api.engine):
        _follow_four(shared_api)
    found = _numbers(shared_api.get(f"{WORK}?{query}", token=shared_api.issuer.token()))
    if "oldest" in query:
        assert len(found) == 1
    else:
        assert found == numbers


def test_names_are_searched_for_in_a_body(api: Api) -> None:
    _follow_four(api)
    token = api.issuer.token()
    assert _numbers(api.post(f"{WORK}search/", token=token, json={"search": "ada exampleB"})) == [
        "FH00000001"
    ]
    assert _numbers(api.post(f"{WORK}search/", token=token, json={"search": "FH00000003"})) == [
        "FH00000003"
    ]
    assert api.post(f"{WORK}search/", token=token, json={}).status_code == 422


def test_many_claims_are_changed_at_once_and_each_change_is_audited(api: Api) -> None:
    _follow_four(api)
    token = api.issuer.token()
    ids = [claim.id for claim in tracked(api.engine) if claim.needs_person]
    changed = api.call(
        "PATCH",
        WORK,
        token=token,
        json={"ids": ids, "owner": "me", "follow_up_on": "2020-01-02", "note": "Called."},
    )
    assert changed.json() == {"changed": 3}
    assert len(_numbers(api.get(f"{WORK}?owner=me&overdue=true", token=token))) == 3
    one = api.get(f"{WORK}claim/?id={ids[0]}", token=token).json()
    assert [note["text"] for note in one["notes"]] == ["Called."]

    done = api.call("PATCH", WORK, token=token, json={"ids": ids[:1], "done": True})
    assert done.json() == {"changed": 1}
    assert len(_numbers(api.get(WORK, token=token))) == 2
    assert len(_numbers(api.get(f"{WORK}?with_done=true", token=token))) == 3
    [claim] = [claim for claim in tracked(api.engine) if claim.id == ids[0]]
    # A denial that was worked is asked again.
    assert claim.next_check_on is not None
    entries = audit.list_entries(
        api.engine,
        organization_id=ORGANIZATION,
        wanted=AuditFilter(action="work"),
        page=1,
        page_size=50,
    )
    assert sorted(str(entry.upload_id) for entry in entries) == sorted([*ids, ids[0]])


def test_a_claim_is_done_until_its_status_changes(api: Api) -> None:
    _follow_four(api)
    token = api.issuer.token()
    ids = [claim.id for claim in tracked(api.engine) if claim.claim_number == "FH00000002"]
    api.call("PATCH", WORK, token=token, json={"ids": ids, "done": True})

    again = Row(
        person="EXAMPLEC",
        charged=Decimal(900),
        claims=(("FH00000002", ClaimStatus.ACTION_REQUIRED),),
    )
    follow(api.engine, again, checked_at=NOW + timedelta(days=30))

    assert "FH00000002" in _numbers(api.get(WORK, token=token))


def test_nothing_to_change_and_a_wrong_field_are_refused(api: Api) -> None:
    token = api.issuer.token()
    for body in ({"ids": ["x"]}, {"ids": []}, {"ids": ["x"], "color": "red"}, {"owner": "me"}):
        assert api.call("PATCH", WORK, token=token, json=body).status_code == 422


def test_the_work_is_exported_with_its_notes(api: Api) -> None:
    _follow_four(api)
    token = api.issuer.token()
    ids = [claim.id for claim in tracked(api.engine)]
    api.call("PATCH", WORK, token=token, json={"ids": ids, "note": "=1+1"})
    answer = api.get(f"{WORK}export/?code=16", token=token)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    [line] = csv.DictReader(answer.content.decode("utf-8-sig").splitlines())
    assert (line["claim_number"], line["denial_codes"]) == ("FH00000003", "16 | 197")
    assert line["notes"] == "'=1+1"


def test_another_organization_knows_nothing_of_it(api: Api) -> None:
    _follow_four(api)
    foreign = api.issuer.token(organization=OTHER_ORGANIZATION, roles=["claims-operator"])
    [first, *_] = tracked(api.engine)
    assert _numbers(api.get(WORK, token=foreign)) == []
    assert api.get(CHANGES, token=foreign).json()["results"] == []
    assert api.get(DENIALS, token=foreign).json()["count"] == 0
    changed = api.call("PATCH", WORK, token=foreign, json={"ids": [first.id], "owner": "me"})
    assert changed.json() == {"changed": 0}
    unknown = api.get(f"{WORK}claim/?id=nobody", token=foreign)
    hidden = api.get(f"{WORK}claim/?id={first.id}", token=foreign)
    for answer in (unknown, hidden):
        assert (answer.status_code, answer.json()["code"]) == (404, "claim_unknown")
    decided = api.post(
        f"{WORK}decisions/",
        token=foreign,
        json={"decisions": [{"id": first.id, "candidate": None}]},
    )
    assert (decided.status_code, decided.json()["code"]) == (404, "claim_unknown")


@pytest.mark.parametrize("roles", [[], ["claims-auditor"]])
def test_a_role_is_needed_for_all_of_it(shared_api: Api, roles: list[str]) -> None:
    token = shared_api.issuer.token(roles=roles)
    for method, path, body in (
        ("GET", WORK, None),
        ("POST", f"{WORK}search/", {"search": "x"}),
        ("GET", f"{WORK}export/", None),
        ("GET", f"{WORK}claim/?id=x", None),
        ("PATCH", WORK, {"ids": ["x"], "owner": "me"}),
        ("POST", f"{WORK}decisions/", {}),
        ("GET", CHANGES, None),
        ("GET", DENIALS, None),
    ):
        answer = shared_api.call(method, path, token=token, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_required"), path


def test_changes_are_read_from_a_cursor_each_once(api: Api) -> None:
    _follow_four(api)
    token = api.issuer.token()
    seen: list[tuple[str, str]] = []
    cursor, more = 0, True
    while more:
        page = api.get(f"{CHANGES}?since={cursor}&page_size=2", token=token).json()
        seen += [(c["claim"]["claim_number"], c["changed"]) for c in page["results"]]
        cursor, more = page["cursor"], page["has_more"]
    assert sorted(seen) == [(f"FH0000000{number}", "new") for number in (1, 2, 3, 9)]

    paid = Row(person="WAITING", claims=(("FH00000009", ClaimStatus.PAID),))
    follow(api.engine, paid, checked_at=NOW + timedelta(days=14))
    [change] = api.get(f"{CHANGES}?since={cursor}", token=token).json()["results"]
    assert (change["previous_status"], change["claim_status"]) == ("PENDING", "PAID")
    assert len(api.get(f"{CHANGES}?with_new=false", token=token).json()["results"]) == 1


def test_denials_are_grouped_over_all_uploads(api: Api) -> None:
    _follow_four(api)
    follow(api.engine, _denied(4, 20))
    groups = api.get(DENIALS, token=api.issuer.token()).json()["results"]
    assert [(group["carc"], group["claims"], group["dollars"]) for group in groups] == [
        ("197", 4, "1270.00"),
        ("16", 1, "300.00"),
    ]


def test_one_of_the_claims_of_a_row_in_doubt_is_chosen_and_the_choice_is_kept(api: Api) -> None:
    token = api.issuer.token()
    doubtful = Row(
        outcome=Outcome.AMBIGUOUS,
        claims=(("FH00000001", ClaimStatus.PENDING), ("FH00000002", ClaimStatus.DENIED)),
    )
    follow(api.engine, doubtful)
    [claim] = tracked(api.engine)
    assert claim.status == "ambiguous"
    one = api.get(f"{WORK}claim/?id={claim.id}", token=token).json()
    first, second = one["candidates"]
    body = {"decisions": [{"id": claim.id, "candidate": second["candidate"]}]}
    assert api.post(f"{WORK}decisions/", token=token, json=body).json() == {"changed": 1}

    [claim] = tracked(api.engine)
    assert (claim.status, claim.claim_number) == ("DENIED", "FH00000002")
    # Asked again the row is as doubtful to the payer as before, and to us it is not.
    later = Row(
        outcome=Outcome.AMBIGUOUS,
        claims=(("FH00000001", ClaimStatus.PENDING), ("FH00000002", ClaimStatus.PAID)),
    )
    follow(api.engine, later, checked_at=NOW + timedelta(days=14))
    [claim] = tracked(api.engine)
    assert (claim.status, claim.claim_number) == ("PAID", "FH00000002")

    undone = api.post(f"{WORK}decisions/", token=token, json={"undo": [claim.id]})
    assert undone.json() == {"changed": 1}
    [claim] = tracked(api.engine)
    assert (claim.status, claim.next_action) == ("ambiguous", "choose_claim")
    again = api.post(f"{WORK}decisions/", token=token, json={"undo": [claim.id]})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_undo")
    assert first["claim_number"] == "FH00000001"


def test_none_of_the_claims_may_be_it_until_another_one_comes(api: Api) -> None:
    token = api.issuer.token()
    doubtful = Row(outcome=Outcome.AMBIGUOUS, claims=(("FH00000001", ClaimStatus.PENDING),))
    follow(api.engine, doubtful)
    [claim] = tracked(api.engine)
    body = {"decisions": [{"id": claim.id, "candidate": None}]}
    assert api.post(f"{WORK}decisions/", token=token, json=body).json() == {"changed": 1}
    assert [each.status for each in tracked(api.engine)] == ["not_found"]

    follow(api.engine, doubtful, checked_at=NOW + timedelta(days=7))
    assert [each.status for each in tracked(api.engine)] == ["not_found"]
    another = Row(
        outcome=Outcome.AMBIGUOUS,
        claims=(("FH00000001", ClaimStatus.PENDING), ("FH00000002", ClaimStatus.PAID)),
    )
    follow(api.engine, another, checked_at=NOW + timedelta(days=14))
    assert [each.status for each in tracked(api.engine)] == ["ambiguous"]


def test_a_claim_without_doubt_needs_no_decision(api: Api) -> None:
    _follow_four(api)
    [first, *_] = tracked(api.engine)
    body = {"decisions": [{"id": first.id, "candidate": None}]}
    refused = api.post(f"{WORK}decisions/", token=api.issuer.token(), json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_decide")
