"""Who calls: the user of a verified access token, the organization chosen, and the roles there."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a user may do; a realm's own names are mapped to these by `CLAIMS_ROLE_MAP`."""

    ANALYST = "claims-analyst"
    OPERATOR = "claims-operator"
    AUDITOR = "claims-auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller. There is none without an organization: such a token is refused with 403.

    `user_id` is the token's `sub`. An analyst reaches uploads of their own, an operator any of the
    organization, an auditor the audit log. `expires_at` is when the token ends, and with it every
    answer that is still being sent.
    """

    user_id: str
    email: str | None = field(repr=False)
    organization_id: str
    organization_name: str
    roles: frozenset[Role]
    expires_at: datetime

    @property
    def may_upload(self) -> bool:
        """Whether the caller may hand in files and work with uploads."""
        return bool(self.roles & {Role.ANALYST, Role.OPERATOR})

    @property
    def sees_all_uploads(self) -> bool:
        """Whether the caller reaches uploads of others in the organization."""
        return Role.OPERATOR in self.roles

    @property
    def may_read_audit(self) -> bool:
        """Whether the caller may read the organization's audit log."""
        return Role.AUDITOR in self.roles
