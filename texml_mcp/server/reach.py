"""What one request may use: the server's services, less what its principal and its headers leave out."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from texml_mcp.call import Services
from texml_mcp.server.narrowing import Narrowing, NarrowingError, narrowing

if TYPE_CHECKING:
    from texml_mcp.identity import Principal

log = logging.getLogger(__name__)

MOST_KEPT = 1000

PrincipalOf = Callable[[Any], "Principal | None"]
"""The principal that an HTTP request has proved to be; raises when it should have proved one and has not."""


def _nobody(_: Any) -> Principal | None:
    return None


class Reach:
    """Narrower copies of the services, made once for each principal and set of headers."""

    def __init__(
        self,
        services: Services,
        principal_of: PrincipalOf = _nobody,
    ) -> None:
        self.all = services
        self._principal_of = principal_of
        self._made: OrderedDict[tuple[Principal | None, Narrowing], Services] = OrderedDict()

    def of(self, request: Any) -> Services:
        """What this HTTP request may use; everything without one, as on stdio. Raises `NarrowingError`."""
        if request is None:
            return self.all
        return self._kept(self._principal_of(request), narrowing(request.headers))

    def of_principal(self, principal: Principal) -> Services:
        """What this principal may use. Raises `NarrowingError` when its own policy cannot be asked."""
        return self._kept(principal, Narrowing())

    def _kept(self, principal: Principal | None, asked: Narrowing) -> Services:
        key = (principal, asked)
        if (made := self._made.get(key)) is None:
            made = self._made[key] = _narrowed(self._of(principal), asked)
            while len(self._made) > MOST_KEPT:
                self._made.popitem(last=False)
        return made

    def _of(self, principal: Principal | None) -> Services:
        if principal is None:
            return self.all
        from texml_mcp.identity.roles import narrowed

        everything = self.all
        from texml_mcp.gate.policy import PolicyError

        try:
            judge = everything.judge.narrowed(principal.role, principal.policy)
        except PolicyError as error:
            log.error("the policy of %s cannot be used: %s", principal.name, error)
            raise NarrowingError(
                "The policy of this principal cannot be used: an operator must mend it."
            ) from None
        only = principal.accounts
        default = everything.account_sid if not only or everything.account_sid in only else only[0]
        several = everything.accounts is not None and everything.accounts.several
        return replace(
            everything,
            offered=narrowed(everything.offered, principal),
            judge=judge,
            principal=principal.name,
            role=principal.role,
            only_accounts=only,
            account_sid=default,
            # One key acts on its own account, whoever calls; of several the principal's own is taken.
            key_account=default if several else everything.key_account,
        )


def _narrowed(services: Services, asked: Narrowing) -> Services:
    tools, account = asked.tools(), asked.account
    if tools is not None:
        services = replace(services, offered=services.offered & tools)
    if account is not None:
        if services.only_accounts and account not in services.only_accounts:
            raise NarrowingError("Header texml-account names an account that this principal may not use.")
        several = services.accounts is not None and services.accounts.several
        if several and account not in (services.accounts.sids if services.accounts else ()):
            raise NarrowingError("Header texml-account names an account that this server has no key for.")
        services = replace(
            services,
            only_accounts=(account,),
            account_sid=account,
            key_account=account if several else services.key_account,
        )
    return services
