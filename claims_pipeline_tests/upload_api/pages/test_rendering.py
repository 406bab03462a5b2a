"""What every page has in common: escaping, headers, wording, files under lasting addresses."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fastapi import FastAPI, Request
from jinja2 import UndefinedError

from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.pages import wording
from claims_pipeline.upload_api.pages.rendering import fragment, instant, render
from claims_pipeline.upload_api.pages.static import static_url


def _request(**settings: str) -> Request:
    app = FastAPI()
    app.state.settings = load_settings(settings)
    return Request(
        {
            "type": "http",
            "app": app,
            "path": "/uploads",
            "headers": [],
            "state": {},
            "method": "GET",
        }
    )


def test_a_page_forbids_everything_inline_and_everything_from_elsewhere() -> None:
    page = render(_request(), "base.html")
    policy = page.headers["content-security-policy"]

    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    html = bytes(page.body).decode()
    assert " style=" not in html
    assert "<script>" not in html
    assert static_url("page.css") in html


def test_a_sandbox_is_named_on_every_page() -> None:
    address = "http://127.0.0.1:8700"
    sandbox = {
        "CLAIMS_UHC_API_URL": address,
        "CLAIMS_UHC_TOKEN_URL": f"{address}/v1/oauthtoken",
        "CLAIMS_UHC_CLIENT_ID": "sandbox",
        "CLAIMS_UHC_CLIENT_SECRET": "sandbox",
    }

    assert "Sandbox payer" in bytes(render(_request(**sandbox), "base.html").body).decode()
    assert "Sandbox payer" not in bytes(render(_request(), "base.html").body).decode()


def test_what_a_template_is_not_given_is_an_error_and_no_blank() -> None:
    with pytest.raises(UndefinedError):
        fragment("base.html")


def test_a_moment_is_utc_until_a_script_makes_it_local() -> None:
    written = instant(datetime(2026, 3, 4, 15, 6, 7, tzinfo=UTC))

    assert 'datetime="2026-03-04T15:06:07+00:00"' in written
    assert "2026-03-04 15:06:07 UTC" in written


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (4800, "1 h 20 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float | None, text: str) -> None:
    assert wording.duration(seconds) == text


def test_money_and_counts_are_written_as_people_do() -> None:
    assert wording.dollars(Decimal("1234.5")) == "$1,234.50"
    assert wording.dollars(Decimal(-12)) == "\N{MINUS SIGN}$12.00"
    assert wording.plural(1, "row") == "1 row"
    assert wording.plural(1200, "query", "queries") == "1,200 queries"
    assert wording.size(100 * 1024 * 1024) == "100 MB"
    assert wording.size(1536) == "1.5 kB"


def test_a_percentage_is_never_whole_before_everything_is_done() -> None:
    assert wording.percent(999_999, 1_000_000) == "99%"
    assert wording.percent(1, 1_000_000) == "1%"
    assert wording.percent(5, 5) == "100%"
    assert wording.percent(0, 0) == "–"
