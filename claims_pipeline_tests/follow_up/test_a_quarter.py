"""A simulated quarter: what the payer decides is told in time, once, and with few calls."""

from pathlib import Path

import pytest

from claims_pipeline_tests.follow_up.quarter import quarter, told_too_late, told_twice, worklist


@pytest.mark.timeout(300)
def test_every_decision_is_told_once_within_its_cadence_and_no_final_claim_is_asked(
    tmp_path: Path,
) -> None:
    with quarter(tmp_path / "home") as living:
        visits = living.young_visits(60)
        began = living.calendar.day
        living.hand_in(worklist(visits))
        before = living.sandbox.calls()

        living.live_through(40)

        assert told_too_late(living, visits, since=began) == []
        assert told_twice(living) == []
        assert living.asked_when_final == []
        assert len(living.final_ids()) > 30
        searches = living.sandbox.calls()["summary"]
        # Due claims of a practice share their searches.
        assert searches - before["summary"] < sum(living.checks_one_by_one)
