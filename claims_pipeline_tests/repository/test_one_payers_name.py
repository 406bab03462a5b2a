"""What is known of one payer stands in its folders, the settings and the payer table alone."""

import re
from pathlib import Path

import pytest

import claims_pipeline

PACKAGE = Path(claims_pipeline.__file__).parent
ITS_NAME = re.compile(r"uhc|united ?health", re.IGNORECASE)
# Folders, and single lines: those that list the channels, and the payer that older clients mean.
ITS_FOLDERS = ("payers/uhc", "sandbox/uhc", "settings", "store/migrations")
ITS_LINES = {
    "model/payers.py": ['DEFAULT_PAYER = "uhc"'],
    "payers/registry.py": [
        "from claims_pipeline.payers import ",
        "uhc.CHANNEL,",
    ],
    "sandbox/parts.py": ["from claims_pipeline.sandbox import ", "uhc.PART,"],
}
# Examples of answers, as documents show them.
EXAMPLES = "upload_api/openapi/examples.py"

MODULES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if not path.relative_to(PACKAGE).as_posix().startswith(ITS_FOLDERS)
    and path.relative_to(PACKAGE).as_posix() != EXAMPLES
)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_knows_one_payer(module: str) -> None:
    known = ITS_LINES.get(module, [])
    named = [
        line.strip()
        for line in (PACKAGE / module).read_text(encoding="utf-8").splitlines()
        if ITS_NAME.search(line) and not any(text in line for text in known)
    ]
    assert named == []
