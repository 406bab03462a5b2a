"""Every alert for Prometheus asks for figures that there are, and the runbook knows it."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from claims_pipeline.upload_api.http.metrics import StoreCollector, exposition

_REPOSITORY = Path(__file__).parents[3]
_RULES = _REPOSITORY / "docker" / "prometheus" / "rules.yaml"
_METRIC = re.compile(r"\bclaims_[a-z_]+")
_OF_A_FAMILY = re.compile(r"_(total|bucket|count|sum)$")


def _rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(_RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def _names(rule: dict[str, Any]) -> set[str]:
    return {_OF_A_FAMILY.sub("", name) for name in _METRIC.findall(rule["expr"])}


def test_every_figure_that_an_alert_asks_for_is_told(engine: Engine) -> None:
    text = exposition(StoreCollector(engine, lambda: datetime.now(UTC))).decode()
    told = {family.name for family in text_string_to_metric_families(text)}
    asked = set().union(*map(_names, _rules()))
    assert asked <= told
    assert len(asked) >= 6


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_an_alert_stands_in_the_runbook(rule: dict[str, Any]) -> None:
    runbook = (_REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"| `{rule['alert']}` |" in runbook
    assert rule["labels"]["severity"] in {"page", "ticket"}
