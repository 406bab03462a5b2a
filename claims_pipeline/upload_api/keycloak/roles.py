"""What a realm's role names mean here."""

from collections.abc import Iterable, Mapping

from claims_pipeline.errors import SettingsError
from claims_pipeline.upload_api.keycloak.principal import Role


def parsed_role_map(text: str) -> Mapping[str, Role]:
    """`CLAIMS_ROLE_MAP`, such as `billing=claims-analyst,lead=claims-operator`, and our own names.

    Raises:
        SettingsError: `setting_invalid`.

    """
    roles = {role.value: role for role in Role}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, meaning = (part.strip() for part in pair.partition("="))
        if not name or meaning not in set(Role):
            raise SettingsError(
                "setting_invalid",
                "Check the settings: CLAIMS_ROLE_MAP holds pairs of a realm's role and ours, such "
                "as billing=claims-analyst.",
            )
        roles[name] = Role(meaning)
    return roles


def roles_named(names: Iterable[str], role_map: Mapping[str, Role]) -> frozenset[Role]:
    """Our roles among the realm's; the others mean nothing here."""
    return frozenset(role_map[name] for name in names if name in role_map)
