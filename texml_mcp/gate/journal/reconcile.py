"""Settling writes whose outcome nobody knows, by reading what the API shows now.

A verdict is given only when the read proves it. Absence proves something only when reads no longer
lag and the whole list was seen; a state proves something only when nothing but the write asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from texml_mcp.catalog import Kind, endpoint
from texml_mcp.catalog.calls import FINAL_STATUSES
from texml_mcp.gate.journal.log import Journal
from texml_mcp.gate.journal.look import LAG_SECONDS, Look, Reader, Verdict, made
from texml_mcp.gate.store import StoreError
from texml_mcp.gate.store.digests import Digester, mask_numbers
from texml_mcp.text import clean


async def reconcile(
    journal: Journal,
    reader: Reader,
    digester: Digester,
    *,
    older_than: float = LAG_SECONDS,
    clock: Callable[[], float] = time.time,
    ahead: Callable[[], float] = lambda: 0.0,
) -> list[Verdict]:
    """Look at every unsettled write, settle those that can be told, and answer all verdicts.

    Only writes begun `older_than` seconds ago are looked at: younger ones may still be on their way.
    `ahead` tells how many seconds the API's clock is ahead of ours: what it dates by another clock would
    look as if another call had made it. A read that fails is a `cannot_tell`; only `StoreError` is raised.
    """
    verdicts: list[Verdict] = []
    for entry in journal.unsettled(older_than):
        look = Look(journal, reader, digester, entry, ahead)
        known = endpoint(entry.tool)
        check = _call if known.starts_call else _CHECKS.get(entry.tool)
        if check is None or not known.settles:
            verdict = look.says("cannot_tell", "the API has no read that shows it")
        else:
            try:
                verdict = await check(look)
            except StoreError:
                raise
            except Exception as error:
                said = mask_numbers(clean(str(error), 150))
                verdict = look.says("cannot_tell", f"the read failed: {said}")
        if verdict.found == "did_not" and clock() - entry.at < LAG_SECONDS:
            verdict = look.says("cannot_tell", "it is not shown, but reads lag; look again in a minute")
        if verdict.found != "cannot_tell":
            journal.settle(entry.id, verdict.found, sid=verdict.sid)
        verdicts.append(verdict)
    return verdicts


async def _call(look: Look) -> Verdict:
    # Whatever started it, the calls are what proves it: the participants of a conference forget who has left.
    # No filter by time: a call that never started may have no start time, and must not be overlooked.
    calls, complete = await look.many("list_calls")
    rung = [
        call
        for call in calls
        if look.matches("To", Kind.NUMBER, call.get("to")) and call.get("direction") != "inbound"
    ]
    same = [call for call in rung if look.matches("From", Kind.NUMBER, call.get("from"))]
    verdict = made(look, same, complete, "a call to that number")
    if verdict.found != "did_not":
        return verdict
    if any(look.in_time(call) is not False for call in rung if call not in same):
        return look.says("cannot_tell", "there is a call to that number of that time, from another one")
    if "@" in look.entry.shown.get("To", ""):
        return look.says("cannot_tell", "no such call is shown, but SIP addresses may be shown otherwise")
    return verdict


async def _updated_call(look: Look) -> Verdict:
    if look.entry.targets.get("Status") != "completed":
        return look.says("cannot_tell", "the API does not show which instructions a call runs")
    call = await look.one("get_call")
    if call is None:
        return look.says("cannot_tell", "the call is not found")
    if call.get("status") in FINAL_STATUSES:
        return look.says("happened", f"the call is over as {call['status']}; it may have ended by itself")
    return look.says("did_not", f"the call is still {clean(str(call.get('status')), 20)}")


async def _started_recording(look: Look) -> Verdict:
    recordings, complete = await look.many("list_call_recordings")
    started = [each for each in recordings if each.get("source") in (None, "StartCallRecordingAPI")]
    return made(look, started, complete, "a recording started by the API")


async def _updated_recording(look: Look) -> Verdict:
    wanted = look.entry.targets.get("Status")
    recordings, complete = await look.many("list_call_recordings")
    sid = look.entry.targets.get("recording_sid")
    found = next((each for each in recordings if each.get("sid") == sid), None)
    if found is None:
        return look.says("cannot_tell", f"the recording is not {'there' if complete else 'among the first'}")
    status = found.get("status")
    # A stopped recording becomes completed when its file is ready.
    if status == wanted or (wanted == "stopped" and status == "completed"):
        return look.says("happened", f"the recording is {status}")
    if status == "completed":
        return look.says("cannot_tell", "the recording has ended since")
    return look.says("did_not", f"the recording is {clean(str(status), 20)}")


async def _updated_conference(look: Look) -> Verdict:
    if look.entry.targets.get("Status") != "completed":
        return look.says("cannot_tell", "the API does not show what was announced")
    conference = await look.one("get_conference")
    if conference is None:
        return look.says("cannot_tell", "the conference is not found")
    if conference.get("status") == "completed":
        return look.says("happened", "the conference is over; it may have ended by itself")
    return look.says("did_not", "the conference goes on")


_FLAGS = {
    "Muted": "muted",
    "Hold": "hold",
    "Coaching": "coaching",
    "EndConferenceOnExit": "end_conference_on_exit",
}


async def _updated_participant(look: Look) -> Verdict:
    wanted = {_FLAGS[name]: value for name, value in look.entry.targets.items() if name in _FLAGS}
    if not wanted:
        return look.says("cannot_tell", "the API does not show what was announced or played")
    participant = await look.one("get_conference_participant")
    if participant is None:
        return look.says("cannot_tell", "the participant has left")
    return _as_wanted(look, wanted, participant)


async def _removed_participant(look: Look) -> Verdict:
    named = str(look.entry.targets.get("call_sid_or_participant_label"))
    members, _ = await look.many("list_conference_participants")
    if any(member.get("call_sid") == named for member in members):
        return look.says("did_not", "the participant is still there")
    return _gone(look, await look.one("get_conference_participant"), "participant")


async def _queue(look: Look) -> Verdict:
    queues, complete = await look.many("list_queues")
    named = [
        each
        for each in queues
        if any(look.matches("FriendlyName", None, each.get(name)) for name in ("sid", "friendly_name"))
    ]
    if not named and queues and all(_is_uuid(each.get("sid")) for each in queues):
        return look.says("cannot_tell", "the API does not show the names of queues")
    if named:
        # Creating a queue that exists answers the one that exists, so its age says nothing.
        return look.says("happened", "there is a queue of that name; it may have been there before")
    return made(look, named, complete, "a queue of that name")


async def _updated_queue(look: Look) -> Verdict:
    queue = await look.one("get_queue")
    if queue is None:
        return look.says("cannot_tell", "the queue is not found")
    return _as_wanted(look, {"max_size": look.entry.targets.get("MaxSize")}, queue)


async def _application(look: Look) -> Verdict:
    applications, complete = await look.many("list_applications")
    named = [each for each in applications if look.matches("friendly_name", None, each.get("friendly_name"))]
    return made(look, named, complete, "an application of that name", "id")


async def _updated_application(look: Look) -> Verdict:
    application = await look.one("get_application")
    if application is None:
        return look.says("cannot_tell", "the application is not found")
    kinds = {param.name: param.kind for _, param in endpoint("update_application").params()}
    given = [name for name in look.entry.targets if name != "id" and application.get(name) is not None]
    if given and all(look.matches(name, kinds.get(name), application[name]) for name in given):
        return look.says("happened", "the application is as the call asked")
    return look.says("cannot_tell", "the application differs; it may have been changed again")


def _as_wanted(look: Look, wanted: Mapping[str, Any], resource: Mapping[str, Any]) -> Verdict:
    told = {name: resource.get(name) for name in wanted}
    if any(value is None for value in told.values()):
        return look.says("cannot_tell", f"the API does not show {', '.join(wanted)}")
    if told == dict(wanted):
        return look.says("happened", "it is as the call asked; it may have been so before")
    return look.says("did_not", f"{', '.join(name for name in wanted if told[name] != wanted[name])} differs")


def _deleted(tool: str, what: str) -> Callable[[Look], Awaitable[Verdict]]:
    async def check(look: Look) -> Verdict:
        return _gone(look, await look.one(tool), what)

    return check


def _gone(look: Look, resource: Mapping[str, Any] | None, what: str) -> Verdict:
    if resource is None or resource.get("status") == "deleted":
        return look.says("happened", f"the {what} is gone")
    return look.says("did_not", f"the {what} is still there")


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


_CHECKS: dict[str, Callable[[Look], Awaitable[Verdict]]] = {
    "update_call": _updated_call,
    "start_call_recording": _started_recording,
    "update_call_recording": _updated_recording,
    "update_conference": _updated_conference,
    "update_conference_participant": _updated_participant,
    "remove_conference_participant": _removed_participant,
    "create_queue": _queue,
    "update_queue": _updated_queue,
    "delete_queue": _deleted("get_queue", "queue"),
    "delete_recording": _deleted("get_recording", "recording"),
    "delete_transcription": _deleted("get_transcription", "transcription"),
    "create_application": _application,
    "update_application": _updated_application,
    "delete_application": _deleted("get_application", "application"),
}
