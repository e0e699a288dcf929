"""Asking a person, on every kind of client, without ever hanging or taking a failure for a yes.

Three ways to ask. A modern client gets the question as the answer to its call and calls again; a legacy
client that declared elicitation is asked over its own connection; every other client takes the token
step. An approval is bound to the tool, the exact arguments, the principal and the state that was
observed, expires, and works once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeVarTuple

import anyio

from texml_mcp.gate.approvals import Approvals, Redeemed
from texml_mcp.gate.external import Queue, evidence_of
from texml_mcp.gate.questions import (
    Answer,
    Approved,
    AskThroughClient,
    CannotAskError,
    Person,
    Question,
    Verdict,
)
from texml_mcp.results import Next, ToolResult
from texml_mcp.text import clean

if TYPE_CHECKING:
    from texml_mcp.gate.policy import Mode

__all__ = [
    "Answer",
    "Approved",
    "AskThroughClient",
    "CannotAskError",
    "Confirmer",
    "Person",
    "Question",
    "Verdict",
]

# How long the repeated call of a modern client waits for an approver who has just been sent to the page.
PAGE_SECONDS = 25.0
POLL_SECONDS = 0.5

Ts = TypeVarTuple("Ts")
Begin = Callable[[Approved], object]
"""What writes down a call that was approved and is about to leave."""


class Confirmer:
    """Decides whether a call carries a valid yes. `patience` bounds the wait for a legacy client.

    `page` answers where a request for somebody else's approval is looked at; None where there are no pages.
    """

    def __init__(
        self,
        approvals: Approvals,
        queue: Queue,
        *,
        patience: float = 300.0,
        page: Callable[[str], str] | None = None,
    ) -> None:
        self._approvals = approvals
        self._queue = queue
        self._patience = patience
        self._page = page
        self._run = queue.state.run

    async def confirm(self, question: Question, person: Person, mode: Mode, begin: Begin) -> Verdict:
        """`Approved`, or what to answer instead. Raises `CannotAskError` in strict mode.

        An approval that the call brings along is used, and the call begun, in one visit to the store;
        whatever `begin` raises is raised. Other approvals leave it to the caller.
        """
        match mode:
            case "off":
                return Approved("off")
            case "token":
                return await self._run(_then, begin, self._token_step, question)
            case "external":
                verdict = await self._run(_then, begin, self._external, question)
                if isinstance(verdict, ToolResult) and verdict.status == "approval_pending":
                    return await self._sent_to_page(question, person, verdict)
                return verdict
            case chosen:
                if person.asking == "modern":
                    return await self._run(_then, begin, self._modern, question, person)
                if person.asking == "legacy":
                    verdict = await self._legacy(question, person)
                    if verdict is not None:
                        return verdict
                if chosen == "strict":
                    raise CannotAskError(question.words)
                return await self._run(_then, begin, self._token_step, question)

    def changed(self, question: Question) -> ToolResult:
        """What to answer when a yes was given, but for something that is no longer so."""
        return _stale(question)

    # --- the client asks, and calls again

    def _modern(self, question: Question, person: Person) -> Verdict:
        if person.state is None or person.answer is None:
            # An answer without a state is an answer nobody asked for.
            return self._ask(question)
        nonce = person.state
        # Taken out before anything is looked at: the same answer, sent twice or in parallel, counts once.
        attempt = self._approvals.redeem(nonce, _on_form(question), question.observed)
        if attempt in (Redeemed.UNKNOWN, Redeemed.EXPIRED):
            return _refused(question, "declined", "That approval was used already or has expired.")
        if attempt is Redeemed.OTHER_CALL:
            return _refused(question, "declined", "That approval was given for a different call.")
        if not person.answer.approves:
            return _refused(question, "declined", _no(person.answer))
        return Approved("form", nonce) if attempt is Redeemed.OK else _stale(question)

    def _ask(self, question: Question) -> AskThroughClient:
        return AskThroughClient(question.words, self._approvals.issue(_on_form(question), question.observed))

    # --- the server asks, over the client's connection

    async def _legacy(self, question: Question, person: Person) -> Verdict | None:
        """None when the client turns out not to be able to ask: never taken for consent."""
        answer: Answer | None = None
        with anyio.move_on_after(self._patience) as scope:
            try:
                answer = await person.ask(question.words)
            except Exception:
                return None
        # Asked of the scope, not of what it caught: a client that swallows it may say yes too late.
        if scope.cancel_called or answer is None:
            return _refused(question, "declined", f"Nobody answered within {self._patience:g} s.")
        if not answer.approves:
            return _refused(question, "declined", _no(answer))
        return Approved("form", waited=True)

    # --- somebody else is asked, in another place

    def _external(self, question: Question) -> Verdict:
        waiting = self._queue.of_call(question.bound_to)
        if waiting is not None and waiting.standing != "waiting":
            if not self._queue.use(waiting):
                return _refused(question, "declined", "That approval was used already.")
            if waiting.standing == "denied":
                because = f" Reason: {clean(waiting.reason, 120)}." if waiting.reason else ""
                return _refused(question, "declined", f"{clean(waiting.by, 40)} said no.{because}")
            if waiting.observed == question.observed:
                return Approved("external", evidence_of(waiting))
            waiting, status = None, "stale_preview"
        else:
            status = "approval_pending"
        waiting = waiting or self._queue.ask(
            question.tool,
            question.principal,
            question.bound_to,
            question.observed,
            question.words,
            question.told.risks,
            warnings=question.told.warnings,
            request=question.told.request,
            account=question.told.account,
            account_label=question.told.account_label,
        )
        changed = "What was approved is not what is there now. " if status == "stale_preview" else ""
        return ToolResult(
            status,
            f"{changed}Waits as {waiting.id} for an approver: tell the user, and repeat the call unchanged "
            "once it is approved.",
            preview=question.words,
            risks=question.told.risks,
            notes=question.told.notes,
            next=[Next(question.tool, question.told.again, "runs once it is approved")],
        )

    async def _sent_to_page(self, question: Question, person: Person, pending: ToolResult) -> Verdict:
        """Send the user to where it is settled, if the client can, and wait a while for that to happen."""
        waiting = await self._run(self._queue.of_call, question.bound_to)
        if self._page is None or waiting is None or person.opening == "none":
            return pending
        words = f"{question.words} Somebody with the approver role settles this."
        url = self._page(waiting.id)
        if person.opening == "modern":
            if person.state is None or person.answer is None:
                return AskThroughClient(words, waiting.id, url)
            opened, seconds = person.answer, PAGE_SECONDS
        else:
            opened, seconds = Answer("cancel", False), self._patience
            with anyio.move_on_after(self._patience):
                try:
                    opened = await person.open(words, url, waiting.id)
                except Exception:
                    return pending  # it cannot after all: the request waits all the same
        if opened.action != "accept":
            return pending
        with anyio.move_on_after(seconds):
            # Asked again and again, because it may be settled on another replica.
            while (now := await self._run(self._queue.get, waiting.id)) and now.standing == "waiting":  # noqa: ASYNC110
                await anyio.sleep(POLL_SECONDS)
            verdict = await self._run(self._external, question)
            return replace(verdict, waited=True) if isinstance(verdict, Approved) else verdict
        return pending

    # --- the token step

    def _token_step(self, question: Question) -> Verdict:
        problems: list[str] = []
        if question.token:
            attempt = self._approvals.redeem(question.token, question.bound_to, question.observed)
            if attempt is Redeemed.OK:
                return Approved("token", question.token)
            if attempt is Redeemed.OTHER_STATE:
                return self._with_token(question, _stale(question))
            problems = [_TOKEN_PROBLEMS[attempt]]
        told = question.told
        asked = ToolResult(
            "confirmation_required",
            f"{question.words} Ask the user; after a yes repeat the call with confirm_token.",
            preview=question.words,
            risks=told.risks,
            notes=[*problems, *told.notes],
        )
        return self._with_token(question, asked)

    def _with_token(self, question: Question, result: ToolResult) -> ToolResult:
        token = self._approvals.issue(question.bound_to, question.observed)
        result.confirm_token = token
        result.expires_in_seconds = self._approvals.seconds
        again = {**question.told.again, "confirm_token": token}
        result.next = [Next(question.tool, again, "only after the user said yes")]
        return result


_TOKEN_PROBLEMS = {
    Redeemed.UNKNOWN: "That confirm_token is not open: never issued, used already, or spent on a wrong try.",
    Redeemed.EXPIRED: "That confirm_token has expired.",
    Redeemed.OTHER_CALL: "That confirm_token was issued for a different call and is now void.",
}


def _then(begin: Begin, step: Callable[[*Ts], Verdict], *given: *Ts) -> Verdict:
    """One step, and the beginning of the call that it approved."""
    verdict = step(*given)
    if isinstance(verdict, Approved):
        begin(verdict)
    return verdict


def _on_form(question: Question) -> str:
    """What the state of a form is bound to: without the answer of a person it is no confirm_token."""
    return f"form:{question.bound_to}"


def _no(answer: Answer) -> str:
    if answer.action == "accept":
        return "The form came back without the tick."
    return "The user said no." if answer.action == "decline" else "The question was dismissed."


def _refused(question: Question, status: Literal["declined"], why: str) -> ToolResult:
    return ToolResult(
        status,
        f"{why} Do not repeat the call unless the user asks for it.",
        preview=question.words,
        notes=question.told.notes,
    )


def _stale(question: Question) -> ToolResult:
    return ToolResult(
        "stale_preview",
        f"What was approved is not what is there now. {question.words} Ask again.",
        preview=question.words,
        risks=question.told.risks,
        notes=question.told.notes,
        next=[Next(question.tool, question.told.again, "ask about what is there now")],
    )
