"""Which organizations are served."""

import pytest

from claims_pipeline_tests.cli.conftest import Command


def test_an_organization_is_added_named_and_pinned(command: Command) -> None:
    assert command("organizations", "add", "acme").exit_code == 0
    pinned = command("organizations", "add", "acme", "--name", "Acme Billing", "--identity-id", "1")
    assert pinned.exit_code == 0
    assert command("organizations", "add", "acme", "--name", "Acme").exit_code == 0
    assert command("organizations", "list").stdout == "acme\tAcme\t1\n"


def test_an_identity_is_one_organizations(command: Command) -> None:
    command("organizations", "add", "acme", "--identity-id", "1")
    refused = command("organizations", "add", "other", "--identity-id", "1")
    assert refused.exit_code == 1
    assert "identity_taken" in refused.stderr
    assert command("organizations", "list").stdout == "acme\tacme\t1\n"


@pytest.mark.parametrize("alias", ["", "a/b", "..", ".hidden", "a b", "x" * 65])
def test_an_alias_that_cannot_name_a_folder_is_refused(command: Command, alias: str) -> None:
    refused = command("organizations", "add", "--", alias)
    assert refused.exit_code == 1
    assert "organization_invalid" in refused.stderr
