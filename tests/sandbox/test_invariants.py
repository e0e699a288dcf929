"""Whatever is asked of a world, in whatever order, some things are always so."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.sandbox.phone import BUSY, DESK, HANGS_UP, HUMAN, REJECTS, SILENT, TALKS, VOICEMAIL
from texml_mcp.catalog import ENDPOINTS
from texml_mcp.sandbox import World
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION, default_world

FINAL = {"canceled", "completed", "failed", "busy", "no-answer"}
NUMBERS = st.sampled_from([HUMAN, BUSY, SILENT, REJECTS, VOICEMAIL, HANGS_UP])
ROOMS = st.sampled_from(["red", "blue"])
WAIT, WHISPER = "https://texml.example.com/wait", "https://texml.example.com/whisper"
DOCUMENTS = st.sampled_from(
    [
        TALKS,
        "<Response/>",
        "<Response><Hangup/></Response>",
        "<Response><Say>Hello there.</Say><Pause length='20'/></Response>",
        "<Response><Dial><Conference>red</Conference></Dial></Response>",
        "<Response><Dial><Conference>blue</Conference></Dial><Say>Bye.</Say></Response>",
        "<Response><Enqueue>desk</Enqueue></Response>",
        "<Response><Record maxLength='10'/><Pause length='5'/></Response>",
        "<Response><Reject reason='busy'/></Response>",
        f"<Response><Dial>{HUMAN}</Dial><Say>Bye.</Say></Response>",
        f"<Response><Dial hangupOnStar='true' record='record-from-answer'><Number url='{WHISPER}'>{HANGS_UP}"
        f"</Number><Number>{BUSY}</Number></Dial></Response>",
        "<Response><Dial><Queue>desk</Queue></Dial></Response>",
        f"<Response><Enqueue waitUrl='{WAIT}' action='{WHISPER}' maxWaitTimeSecs='90'>desk</Enqueue>"
        "</Response>",
        f"<Response><Dial action='{WHISPER}'><Conference startConferenceOnEnter='false' waitUrl='{WAIT}' "
        "participantLabel='me'>red</Conference></Dial></Response>",
        "<Response><Start><Transcription/><Suppression/><Siprec/></Start><Pause length='30'/></Response>",
        f"<Response><Gather input='dtmf speech' action='{WHISPER}'><Say>Say it.</Say></Gather></Response>",
        "<Response><Refer><Sip>sip:a@pbx.example.com</Sip></Refer></Response>",
        "<Response><Connect><Stream url='wss://m.example.com/'/></Connect></Response>",
        "<Response><Unheard/></Response>",
        "<Response>",
    ]
)
CHANGES: list[dict[str, Any]] = [
    {"Coaching": True},
    {"Coaching": False},
    {"Hold": True, "HoldUrl": WAIT},
    {"Hold": False, "Muted": True},
    {"AnnounceUrl": WAIT, "EndConferenceOnExit": True},
]
# Anything a client could put where a value is expected.
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.none(), max_size=2),
    st.just({}),
    st.sampled_from(["completed", "paused", "in-progress", "stopped", "true", "1e400", "\x00"]),
)


class Network(RuleBasedStateMachine):
    """Random requests and random waiting. Members are sought by table, so that any that exists may be hit."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World = default_world()
        self.world.documents[WAIT] = "<Response><Play>a.mp3</Play></Response>"
        self.world.documents[WHISPER] = "<Response><Say>A call for you.</Say></Response>"
        self.world.script_callee({"match": HUMAN, "says": "one two three four", "presses": "ww1*"})
        self.over: dict[str, tuple[str, Any]] = {}
        self.seen: set[str] = set()

    def ask(self, endpoint_id: str, body: dict[str, Any] | None = None, **path: str) -> Any:
        """The answer, or nothing when the API refused; anything raised fails the test."""
        places = path if endpoint_id.endswith("application") else {"account_sid": ACCOUNT_SID, **path}
        status, answer = self.world.request(endpoint_id, places, {}, body or {})
        assert status in (200, 201, 204) or 400 <= status < 500
        return answer if status < 400 else None

    def some(self, table: str, at: int) -> str:
        """One of the newest dozen, so that what a test made is likely to be hit."""
        sids = list(self.world.table(table))[-12:]
        return sids[at % len(sids)] if sids else "none"

    @rule(to=NUMBERS, texml=DOCUMENTS, limit=st.sampled_from([30, 14_400]), record=st.booleans())
    def call(self, to: str, texml: str, limit: int, record: bool) -> None:
        self.ask(
            "create_call",
            {
                "To": to,
                "From": DESK,
                "ApplicationSid": MAIN_APPLICATION,
                "Texml": texml,
                "TimeLimit": limit,
                "Record": record,
            },
        )

    @rule(to=NUMBERS, room=ROOMS, ends=st.booleans(), record=st.sampled_from(["true", "false"]))
    def invite(self, to: str, room: str, ends: bool, record: str) -> None:
        self.ask(
            "dial_conference_participant",
            {
                "To": to,
                "From": DESK,
                "ApplicationSid": MAIN_APPLICATION,
                "EndConferenceOnExit": ends,
                "ConferenceRecord": record,
                "Label": to,
            },
            conference_sid=room,
        )

    @rule(at=st.integers(0, 11), role=st.sampled_from(["barge", "whisper", "monitor"]))
    def supervise(self, at: int, role: str) -> None:
        body = {"To": HUMAN, "From": DESK, "ApplicationSid": MAIN_APPLICATION, "SupervisingRole": role}
        self.ask("create_call", body | {"SuperviseCallSid": self.some("calls", at)})

    @rule(room=st.integers(0, 11), label=NUMBERS, coached=st.integers(0, 3), changes=st.sampled_from(CHANGES))
    def change_participant(self, room: int, label: str, coached: int, changes: dict[str, Any]) -> None:
        sid = self.some("conferences", room)
        members = list(self.world.table("conferences")[sid]["participants"])
        if changes.get("Coaching") and members:
            changes = changes | {"CallSidToCoach": members[coached % len(members)]}
        place = {"conference_sid": sid, "call_sid_or_participant_label": label}
        self.ask("update_conference_participant", changes, **place)

    @rule(seconds=st.sampled_from([5, 60]))
    def call_in(self, seconds: int) -> None:
        if MAIN_APPLICATION in self.world.table("applications"):
            self.world.call_in(HUMAN, MAIN_APPLICATION, says="hello", hangs_up_after_seconds=seconds)

    @rule(at=st.integers(0, 11), texml=DOCUMENTS)
    def instruct(self, at: int, texml: str) -> None:
        self.ask("update_call", {"Texml": texml}, call_sid=self.some("calls", at))

    @rule(at=st.integers(0, 11))
    def hang_up(self, at: int) -> None:
        self.ask("update_call", {"Status": "completed"}, call_sid=self.some("calls", at))

    @rule(at=st.integers(0, 11))
    def end_conference(self, at: int) -> None:
        self.ask("update_conference", {"Status": "completed"}, conference_sid=self.some("conferences", at))

    @rule(at=st.integers(0, 11), label=NUMBERS)
    def remove(self, at: int, label: str) -> None:
        place = {"conference_sid": self.some("conferences", at), "call_sid_or_participant_label": label}
        self.ask("remove_conference_participant", **place)

    @rule(at=st.integers(0, 11))
    def record(self, at: int) -> None:
        self.ask("start_call_recording", call_sid=self.some("calls", at))

    @rule(at=st.integers(0, 11), status=st.sampled_from(["paused", "in-progress", "stopped"]))
    def steer_recording(self, at: int, status: str) -> None:
        sid = self.some("recordings", at)
        known = self.world.table("recordings").get(sid)
        call = str(known["call"]) if known else "none"
        self.ask("update_call_recording", {"Status": status}, call_sid=call, recording_sid=sid)

    @rule(at=st.integers(0, 11), table=st.sampled_from(["queues", "recordings", "transcriptions"]))
    def delete(self, at: int, table: str) -> None:
        name = {"queues": "queue_sid", "recordings": "recording_sid"}.get(
            table, "recording_transcription_sid"
        )
        self.ask(f"delete_{table[:-1]}", **{name: self.some(table, at)})

    @rule(size=st.integers(-1, 3))
    def queue(self, size: int) -> None:
        self.ask("create_queue", {"FriendlyName": "desk", "MaxSize": size})

    @rule(each=st.sampled_from(ENDPOINTS), at=st.integers(0, 11), data=st.data())
    def anything(self, each: Any, at: int, data: st.DataObject) -> None:
        """Any operation, its body filled with whatever comes."""
        tables = {
            "call_sid": "calls",
            "conference_sid": "conferences",
            "queue_sid": "queues",
            "id": "applications",
            "connection_id": "applications",
            "recording_sid": "recordings",
            "siprec_sid": "siprecs",
            "streaming_sid": "streams",
            "recording_transcription_sid": "transcriptions",
            "call_sid_or_participant_label": "calls",
        }
        path = {
            param.name: self.some(tables[param.name], at)
            for param in each.path_params
            if param.name != "account_sid"
        }
        names = [param.name for param in each.body_params]
        body = data.draw(st.dictionaries(st.sampled_from(names), ODD, max_size=4)) if names else {}
        self.ask(each.id, body, **path)

    @rule(seconds=st.sampled_from([0, 1, 4, 30, 120, 15_000]))
    def wait(self, seconds: int) -> None:
        self.world.advance(seconds)

    @rule()
    def remember_and_return(self) -> None:
        before = self.world.hash()
        self.world.restore(self.world.snapshot())
        assert self.world.hash() == before

    # --- always so

    @invariant()
    def a_leg_is_in_at_most_one_conference_and_knows_which(self) -> None:
        member_of: dict[str, str] = {}
        for sid, conference in self.world.table("conferences").items():
            for call in conference["participants"]:
                assert call not in member_of
                member_of[call] = sid
                assert conference["status"] != "completed"
        for sid, call in self.world.table("calls").items():
            assert call["conference"] == member_of.get(sid)

    @invariant()
    def a_queue_holds_live_legs_that_know_it(self) -> None:
        for sid, queue in self.world.table("queues").items():
            shown = self.ask("get_queue", queue_sid=sid)
            assert shown["current_size"] == len(queue["waiting"])
            waiting = [member["call"] for member in queue["waiting"]]
            assert len(waiting) == len(set(waiting))
            for call in waiting:
                record = self.world.table("calls")[call]
                assert (record["queue"], record["status"]) == (sid, "in-progress")

    @invariant()
    def who_talks_to_somebody_is_talked_to(self) -> None:
        calls = self.world.table("calls")
        for sid, call in calls.items():
            if call["peer"] is not None:
                assert calls[call["peer"]]["peer"] == sid
                assert {call["status"], calls[call["peer"]]["status"]} == {"in-progress"}
                assert call["conference"] is None
                assert call["queue"] is None

    @invariant()
    def only_live_legs_hear_and_are_heard_and_nobody_hears_themselves(self) -> None:
        calls = self.world.table("calls")
        for listener, speakers in self.world.hears().items():
            assert listener not in speakers
            # Early media is the one way to be heard before the answer; no rule here asks for it.
            assert {calls[sid]["status"] for sid in (listener, *speakers)} == {"in-progress"}

    @invariant()
    def nobody_supervises_or_coaches_who_is_gone(self) -> None:
        calls = self.world.table("calls")
        for call in calls.values():
            if call["supervises"] is not None and call["status"] not in FINAL:
                assert calls[call["supervises"]]["status"] not in FINAL
        for conference in self.world.table("conferences").values():
            for member in conference["participants"].values():
                assert member["coached"] is None or member["coached"] in conference["participants"]
                assert member["coached"] is None or member["coaching"]

    @invariant()
    def nothing_listens_to_a_leg_that_is_over(self) -> None:
        calls = self.world.table("calls")
        for table in ("streams", "siprecs", "live_transcriptions"):
            for each in self.world.table(table).values():
                if each["status"] == "in-progress":
                    assert calls[each["call"]]["status"] not in FINAL

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for sid, call in self.world.table("calls").items():
            if call["status"] in FINAL:
                assert self.over.setdefault(sid, (call["status"], call["ended"])) == (
                    call["status"],
                    call["ended"],
                )
                assert call["conference"] is None
                assert call["queue"] is None
        for sid, conference in self.world.table("conferences").items():
            if conference["status"] == "completed":
                self.over.setdefault(sid, ("completed", None))
            assert sid not in self.over or conference["status"] == "completed"

    @invariant()
    def a_recording_runs_only_while_what_it_records_does(self) -> None:
        for recording in self.world.table("recordings").values():
            # One of a conference names a leg too, but goes on when that leg leaves.
            if recording["conference"] is not None:
                over = self.world.table("conferences")[recording["conference"]]["status"] == "completed"
            else:
                over = self.world.table("calls")[recording["call"]]["status"] in FINAL
            if over:
                assert recording["status"] in ("stopped", "completed", "absent")

    @invariant()
    def nothing_happens_in_the_past(self) -> None:
        now = self.world.clock.now
        assert all(event[0] >= now for event in self.world.clock.due)
        assert all(event["at"] <= now for event in self.world.events)
        stamps = [
            record["updated"]
            for table in self.world.state.values()
            for record in table.values()
            if isinstance(record.get("updated"), float)
        ]
        assert all(stamp <= now for stamp in stamps)

    @invariant()
    def identifiers_are_never_used_twice(self) -> None:
        for table, records in self.world.state.items():
            if table in ("secrets", "callees", "queues", "documents"):
                continue  # named by what a person called them
            for sid, record in records.items():
                assert record["sid"] == sid
        numbers = [
            record["number"]
            for records in self.world.state.values()
            for record in records.values()
            if "number" in record
        ]
        assert len(numbers) == len(set(numbers))

    @precondition(lambda self: self.world.table("calls"))
    @rule(at=st.integers(0, 11))
    def every_answer_can_be_shown(self, at: int) -> None:
        for endpoint_id in ("list_calls", "list_conferences", "list_queues", "list_recordings"):
            assert self.ask(endpoint_id) is not None


Network.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestNetwork = Network.TestCase
