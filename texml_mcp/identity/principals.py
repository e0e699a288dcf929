"""A principal: one person or program, as policy, approvals and the audit trail know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "operator", "approver", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most; each may do what those before it may.

- `viewer` reads.
- `operator` also writes, as far as policy allows.
- `approver` also settles what others asked for, never what it asked for itself.
- `admin` also sees the decisions about everybody.
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """`name` is unique and lasting: approvals are bound to it, and the audit trail says it.

    `accounts` are the only ones it may use; empty means every account of the server. `policy` (a shipped
    policy, or a file that an operator named) is asked beside the server's own, and the stricter word counts.
    """

    name: str
    role: Role = "operator"
    accounts: tuple[str, ...] = ()
    policy: str | None = None

    def may(self, role: Role) -> bool:
        """Whether this principal has at least this role."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def may_use(self, account: str) -> bool:
        """Whether this principal may act on this account."""
        return not self.accounts or account in self.accounts
