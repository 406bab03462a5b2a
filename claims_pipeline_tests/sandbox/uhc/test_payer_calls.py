import json
from datetime import date, timedelta

import pytest

from claims_pipeline.sandbox.part import PayerOptions
from claims_pipeline.sandbox.reply import Reply
from claims_pipeline.sandbox.uhc.inquiry import RefusedError
from claims_pipeline.sandbox.uhc.payer_calls import PayerCalls
from claims_pipeline.sandbox.world.world import World
from claims_pipeline_tests.sandbox.conftest import ADA, TODAY, us_date

_FORM = b"grant_type=client_credentials&client_id=sandbox&client_secret=sandbox"


class _Payer:
    """A payer whose clock and calendar stand still until they are moved."""

    def __init__(self, options: PayerOptions) -> None:
        self.now_s = 1000.0
        self.today = TODAY
        self.calls = PayerCalls(
            make_world=lambda day: World(seed=7, today=day),
            today=lambda: self.today,
            options=options,
            clock=lambda: self.now_s,
        )
        self.calls.token(_FORM)

    def search(self, day: date, **headers: str) -> Reply:
        sent = {
            "authorization": "Bearer sandbox-token-1",
            "tin": "070000001",
            "payerid": "87726",
            "firstservicedt": us_date(day),
            "lastservicedt": us_date(day),
            **{name.lower(): value for name, value in ADA.items()},
            **headers,
        }
        return self.calls.claims_call("summary", sent)


def test_a_token_expires_when_it_said() -> None:
    payer = _Payer(PayerOptions(token_lifetime_s=60))
    day = TODAY - timedelta(days=30)
    payer.now_s += 59
    assert payer.search(day).status == 200
    payer.now_s += 1
    assert payer.search(day).status == 401


def test_a_page_token_expires() -> None:
    payer = _Payer(PayerOptions(transaction_lifetime_s=60))
    day = TODAY - timedelta(days=30)
    token = json.loads(payer.search(day).rendered_body())["transactionId"]
    payer.now_s += 59
    assert payer.search(day, transactionid=token).claims == []
    payer.now_s += 1
    with pytest.raises(RefusedError) as refusal:
        payer.search(day, transactionid=token)
    assert refusal.value.code == "LCLM_PS_203"


def test_the_world_moves_on_at_midnight() -> None:
    payer = _Payer(PayerOptions())
    assert payer.search(TODAY - timedelta(days=30)).claims
    payer.today += timedelta(days=1)
    assert payer.search(payer.today - timedelta(days=30)).claims
    with pytest.raises(RefusedError) as refusal:
        payer.search(TODAY - timedelta(days=30))
    assert refusal.value.code == "LCLM_PS_201"
