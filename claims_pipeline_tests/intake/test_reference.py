"""The page in docs/ is what the code says, and every code in use is documented."""

import re
from pathlib import Path

import pytest

from claims_pipeline import intake
from claims_pipeline.intake import FILE_ERRORS, ROW_ERRORS
from claims_pipeline.intake.headers.meanings import CANONICAL_COLUMNS, meaning_of
from claims_pipeline.intake.reference import EXAMPLES, reference
from claims_pipeline.intake.rules import TEXT_RULES
from claims_pipeline_tests.intake.builders import read_text

PACKAGE = Path(intake.__file__).parent
PAGE = PACKAGE.parent.parent / "docs" / "csv.md"


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "run: python -m claims_pipeline.intake.reference > docs/csv.md"
    )


def test_every_code_is_used_and_documented():
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for code in (*FILE_ERRORS, *ROW_ERRORS):
        assert len(re.findall(rf'"{code}"', source)) >= 2, code
    assert {rule.code for rules in TEXT_RULES.values() for rule in rules} <= set(ROW_ERRORS)


@pytest.mark.parametrize("column", CANONICAL_COLUMNS)
def test_the_names_on_the_page_are_read_as_it_says(column):
    for name in EXAMPLES[column].split(", "):
        assert meaning_of(name).column == column, name


def test_the_shapes_on_the_page_are_accepted():
    examples = re.findall(r"```csv\n(.*?)```", reference(), flags=re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        file = read_text(example.replace("2026", "2025"))
        assert len(file.requests) == 1
        assert not file.warnings
