"""docs/settings.md is what the settings say."""

from pathlib import Path

import claims_pipeline
from claims_pipeline.operations.reference import settings_reference
from claims_pipeline.settings import Settings, channel_fields

PAGE = Path(claims_pipeline.__file__).parents[1] / "docs" / "settings.md"


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_reference(), (
        "run: python -m claims_pipeline.operations.reference > docs/settings.md"
    )


def test_every_setting_says_what_it_means() -> None:
    channels = channel_fields()
    fields = {name: field for name, field in Settings.model_fields.items() if name not in channels}
    for channel in channels.values():
        fields |= channel.model_fields
    for name, field in fields.items():
        assert field.description, name
        assert field.description.endswith((".", "`.")), name
