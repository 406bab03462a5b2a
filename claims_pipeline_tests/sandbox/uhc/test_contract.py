import itertools
from datetime import timedelta

import pytest
import requests

from claims_pipeline.model import DateWindow
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.world.world import World
from claims_pipeline_tests.sandbox.conftest import ADA, TODAY, Client, code_of, days_ago


def _all_pages(client: Client, first: int, last: int) -> list[list[dict[str, object]]]:
    pages = []
    token = None
    while True:
        answer = client.summary(first, last, transactionId=token).json()
        pages.append(answer["claims"])
        token = answer.get("transactionId")
        if len(answer["claims"]) < 50 or token is None:
            return pages


def test_a_token_says_how_long_it_is_good(client: Client) -> None:
    answer = client.new_token().json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600


def test_wrong_credentials_get_401(client: Client) -> None:
    assert client.new_token(client_secret="wrong").status_code == 401
    assert client.new_token(client_id="somebody").status_code == 401


def test_only_client_credentials_are_granted(client: Client) -> None:
    assert client.new_token(grant_type="password").status_code == 400


def test_without_a_token_nothing_is_said(client: Client) -> None:
    client.session.headers.pop("Authorization")
    assert client.summary(30, 30).status_code == 401
    assert client.about("detail", claimNumber="FH00000001").status_code == 401


def test_every_answer_says_that_it_is_a_sandbox(client: Client) -> None:
    answers = [
        client.new_token(),
        client.summary(30, 30),
        client.summary(30, 30, tin="079999999"),
        requests.get(f"{client.sandbox.url}/nowhere", timeout=5),
    ]
    assert {answer.headers["X-Payer-Environment"] for answer in answers} == {"sandbox"}


def test_pages_hold_fifty_claims_and_together_all_of_them(client: Client) -> None:
    pages = _all_pages(client, 25, 5)
    numbers = [str(claim["claimNumber"]) for page in pages for claim in page]
    world = World(seed=7, today=TODAY)
    window = DateWindow(TODAY - timedelta(days=25), TODAY - timedelta(days=5))
    expected = [record.claim_number for record in world.search(world.practices[0], window)]
    assert [len(page) for page in pages[:-1]] == [50] * (len(pages) - 1)
    assert sorted(numbers) == sorted(expected)
    assert numbers != sorted(numbers)


def test_after_exactly_fifty_claims_comes_an_empty_page(client: Client) -> None:
    world = World(seed=7, today=TODAY)
    ages = itertools.product(range(90), range(90))
    first, last = next(
        (first, last)
        for first, last in ages
        if first >= last
        and len(
            world.search(
                world.practices[0],
                DateWindow(TODAY - timedelta(days=first), TODAY - timedelta(days=last)),
            )
        )
        in (50, 100, 150)
    )
    assert _all_pages(client, first, last)[-1] == []


def test_more_than_five_hundred_claims_are_refused(client: Client) -> None:
    assert code_of(client.summary(90, 0)) == "LCLM_PS_306"


def test_nobody_found_is_no_data_and_no_error(client: Client) -> None:
    answer = client.summary(90, 0, **(ADA | {"ptntLn": "NOBODY"}))
    assert code_of(answer) == "LCLM_PS_201"
    assert client.sandbox.stats()["errors_sent"] == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"tin": None}, "LCLM_PS_102"),
        ({"payerId": None}, "LCLM_PS_102"),
        ({"firstServiceDt": None}, "LCLM_PS_102"),
        ({"payerId": "00000"}, "LCLM_PS_105"),
        ({"ptntFn": "ADA"}, "LCLM_PS_106"),
        ({"tin": "70000001"}, "LCLM_PS_106"),
        ({"transactionId": "made-up"}, "LCLM_PS_203"),
        ({"lastServiceDt": days_ago(-1)}, "LCLM_PS_107"),
        ({"firstServiceDt": days_ago(760), "lastServiceDt": days_ago(750)}, "LCLM_PS_107"),
        ({"firstServiceDt": "2026-01-01"}, "LCLM_PS_108"),
        ({"firstServiceDt": "02/30/2026"}, "LCLM_PS_108"),
        ({"lastServiceDt": "1/1/2026"}, "LCLM_PS_111"),
        ({"firstServiceDt": days_ago(5)}, "LCLM_PS_113"),
        ({"firstServiceDt": days_ago(121)}, "LCLM_PS_112"),
        ({"tin": "079999999"}, "LCLM_PS_202"),
    ],
)
def test_what_is_wrong_has_its_code(
    client: Client, headers: dict[str, str | None], code: str
) -> None:
    answer = client.summary(31, 30, **headers)
    assert code_of(answer) == code
    assert answer.status_code >= 400
    assert client.sandbox.stats()["errors_sent"] == 1


def test_ninety_days_apart_are_allowed(client: Client) -> None:
    assert client.summary(90, 0, **ADA).status_code == 200


def test_codes_are_for_those_who_ask_for_them(client: Client) -> None:
    answer = client.summary(31, 30, tin="079999999", getStandardError=None)
    assert "errors" not in answer.json()


def test_a_page_token_belongs_to_its_search(client: Client) -> None:
    token = client.summary(25, 5).json()["transactionId"]
    assert code_of(client.summary(24, 5, transactionId=token)) == "LCLM_PS_106"


def test_another_payer_id_has_no_claims(client: Client) -> None:
    assert code_of(client.summary(30, 20, payerId="03432")) == "LCLM_PS_201"


@pytest.mark.parametrize(
    "asked",
    [
        {"ptntFn": "Ada"},
        {"ptntFn": "A"},
        {"ptntLn": "EXAMPLE-SMITH"},
        {"ptntLn": "EXAMPLE JR"},
        {"ptntDob": "05/11/1975"},
        {"ptntDob": "10/05/1975"},
    ],
)
def test_the_search_forgives_what_people_mistype(client: Client, asked: dict[str, str]) -> None:
    (claim,) = client.summary(60, 0, **(ADA | asked)).json()["claims"]
    assert claim["claimNumber"] == "FH00000001"


def test_a_claim_has_the_fields_of_the_contract(client: Client) -> None:
    (claim,) = client.summary(30, 30, **ADA).json()["claims"]
    assert claim["memberInfo"]["ptntDob"] == "05/10/1975"
    assert claim["provInfo"]["submitted"]["tin"] == "070000001"
    summary = claim["claimSummary"]
    assert summary["firstSrvcDt"] == days_ago(30)
    assert {"totalAllowdAmt", "provNotCovAmt", "clmXWalkData", "chkInfo"} <= set(summary)
    assert claim["claimStatus"] == "Finalized"


def test_detail_and_payment_agree_with_the_summary(client: Client) -> None:
    answer = client.summary(30, 30, **ADA).json()
    summary = answer["claims"][0]["claimSummary"]
    headers = {"transactionId": answer["transactionId"], "claimNumber": "FH00000001"}
    detail = client.about("detail", **headers).json()
    payments = client.about("payment", **headers).json()["payments"]
    lines = detail["claimsDetailInfo"][0]["lines"]
    paid = float(summary["totalPaidAmt"])
    assert paid > 0
    assert sum(float(line["paidAmt"]) for line in lines) == pytest.approx(paid)
    assert sum(float(payment["draftAmt"]) for payment in payments) == pytest.approx(paid)
    drafts = {row["clmDrftNbr"] for row in summary["clmXWalkData"]}
    assert drafts == {payment["draftNbr"] for payment in payments}


@pytest.mark.parametrize("kind", ["detail", "payment"])
def test_a_claim_is_shown_only_to_the_search_that_found_its_practice(
    client: Client, kind: str
) -> None:
    quiet = client.summary(89, 0, tin="070000002").json()["transactionId"]
    other = client.about(kind, transactionId=quiet, claimNumber="FH00000001")
    without = client.about(kind, claimNumber="FH00000001")
    made_up = client.about(kind, transactionId="made-up", claimNumber="FH00000001")
    assert [code_of(answer) for answer in (other, without, made_up)] == [
        "LCLM_PS_201",
        "LCLM_PS_102",
        "LCLM_PS_203",
    ]


def test_a_payer_may_leave_the_token_off_its_last_page() -> None:
    with running_sandbox(token_on_last_page=False, today=lambda: TODAY) as sandbox:
        client = Client(sandbox)
        with client.session:
            client.new_token()
            assert "transactionId" in client.summary(25, 5).json()
            assert "transactionId" not in client.summary(30, 30, **ADA).json()
            detail = client.about("detail", claimNumber="FH00000001")
            assert detail.json()["claimsDetailInfo"]


def test_stats_count_calls_by_kind_until_reset(client: Client) -> None:
    client.sandbox.reset()
    client.new_token()
    token = client.summary(30, 30, **ADA).json()["transactionId"]
    client.summary(30, 30, tin=None)
    client.about("detail", transactionId=token, claimNumber="FH00000001")
    client.about("payment", transactionId=token, claimNumber="FH00000001")
    stats = client.sandbox.stats()
    assert set(stats) == {"calls", "errors_sent", "max_concurrency", "channels"}
    assert stats["calls"] == {"token": 1, "summary": 2, "detail": 1, "payment": 1}
    assert stats["errors_sent"] == 1
    client.sandbox.reset()
    assert sum(client.sandbox.calls().values()) == 0


def test_the_world_page_names_the_practices(sandbox: Sandbox) -> None:
    answer = requests.get(f"{sandbox.url}/sandbox/world", timeout=5).json()
    assert [(entry["id"], entry["tin"]) for entry in answer["practices"]] == [
        ("1", "070000001"),
        ("2", "070000002"),
    ]


def test_settings_point_the_pipeline_here(sandbox: Sandbox) -> None:
    settings = sandbox.settings()
    assert settings["CLAIMS_UHC_API_URL"] == f"{sandbox.url}/Claims"
    assert settings["CLAIMS_UHC_TOKEN_URL"] == f"{sandbox.url}/v1/oauthtoken"
    assert sandbox.url.startswith("http://127.0.0.1:")
