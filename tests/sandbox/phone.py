"""A sandbox reached as a client reaches it, by HTTP, and the world behind it for moving its clock."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from texml_mcp.sandbox import World, Worlds, create_app
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION

ACCOUNT = f"/v2/texml/Accounts/{ACCOUNT_SID}"
TALKS = "<Response><Pause length='3000'/></Response>"
DESK, HUMAN, BUSY, SILENT = "+13125550100", "+13125550142", "+13125550141", "+13125550143"
REJECTS, VOICEMAIL, HANGS_UP = "+13125550144", "+13125550145", "+13125550146"


class Phone:
    """A client with one token. Paths are below the account, or whole when they begin with `/v2`.

    Writes take no time in its world, so that a test alone says what time it is.
    """

    def __init__(self, token: str = "sandbox-test", worlds: Worlds | None = None) -> None:
        self.worlds = worlds or Worlds()
        self.token = token
        self.world.tick_seconds = 0.0
        self.http = TestClient(
            create_app(self.worlds, clock="virtual"), headers={"authorization": f"Bearer {token}"}
        )

    @property
    def world(self) -> World:
        return self.worlds.of(self.token)

    def send(self, method: str, path: str, **more: Any) -> Any:
        return self.http.request(method, path if path.startswith("/v2") else ACCOUNT + path, **more)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        reply = self.send("GET", path, params=query or None)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        reply = self.send("POST", path, json=body)
        assert reply.status_code in (200, 201), reply.text
        return reply.json()

    def delete(self, path: str) -> int:
        return self.send("DELETE", path).status_code

    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)

    def dial(self, to: str = HUMAN, **more: Any) -> str:
        """Place a call that talks for long once it is answered; its SID."""
        body = {"To": to, "From": DESK, "ApplicationSid": MAIN_APPLICATION, "Texml": TALKS} | more
        answer = self.post("/Calls", **body)
        assert answer["status"] == "queued"
        return answer["sid"]

    def call(self, sid: str) -> dict[str, Any]:
        return self.get(f"/Calls/{sid}")

    def live(self, to: str = HUMAN, **more: Any) -> str:
        """A call that was answered two seconds ago."""
        sid = self.dial(to, **more)
        self.advance(5)
        assert self.call(sid)["status"] == "in-progress"
        return sid

    def invite(self, room: str, to: str = HUMAN, **more: Any) -> str:
        """Dial somebody into a conference, by its name or SID, and let five seconds pass; the call SID."""
        body = {"To": to, "From": DESK, "ApplicationSid": MAIN_APPLICATION} | more
        sid = self.post(f"/Conferences/{room}/Participants", **body)["call_sid"]
        self.advance(5)
        return sid

    def room(self, name: str) -> dict[str, Any]:
        """The newest conference of this name."""
        return self.get("/Conferences", FriendlyName=name)["conferences"][0]

    def members(self, room: str) -> list[str]:
        return [each["call_sid"] for each in self.get(f"/Conferences/{room}/Participants")["participants"]]


def error_of(reply: Any) -> dict[str, Any]:
    """The one error of an answer that is not a success."""
    assert reply.status_code >= 400, reply.text
    (error,) = reply.json()["errors"]
    return error
