"""Tools that exist nowhere: plausible neighbours that do nothing a tool of ours can do.

A model that calls one has chosen wrongly, whatever the task: none of them places, reads or changes a call.
"""

from __future__ import annotations

from texml_mcp.exports.wording import Json

_NUMBER = "E.164 number"
# Name, title, description, the arguments with their descriptions; the first is required.
_DECLARED: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("send_message", "Send a text message", "Send an SMS. Costs money.", {"To": _NUMBER, "Body": "Text"}),
    ("list_messages", "List text messages", "Find text messages, newest first.", {"To": _NUMBER}),
    ("delete_message", "Delete a text message", "Delete a text message for good.", {"message_sid": ""}),
    ("send_fax", "Send a fax", "Fax a document. Costs money.", {"To": _NUMBER, "MediaUrl": "The PDF"}),
    ("get_fax", "Read a fax", "Read one fax and its pages.", {"fax_sid": ""}),
    ("list_faxes", "List faxes", "Find faxes, newest first.", {"direction": "inbound or outbound"}),
    ("lookup_carrier", "Look up a carrier", "Which network a number belongs to.", {"PhoneNumber": _NUMBER}),
    ("buy_phone_number", "Buy a phone number", "Order a number. Billed monthly.", {"PhoneNumber": _NUMBER}),
    ("release_phone_number", "Give a number up", "Give a number back for good.", {"PhoneNumber": _NUMBER}),
    ("port_phone_number", "Port a number", "Bring a number from another carrier.", {"PhoneNumber": _NUMBER}),
    ("get_balance", "Read the balance", "What is left on the prepaid account.", {"currency": "ISO 4217"}),
    ("list_invoices", "List invoices", "Monthly invoices of the account.", {"year": "Four digits"}),
    ("activate_sim", "Activate a SIM card", "Activate a SIM card. Billed monthly.", {"sim_id": ""}),
    ("suspend_sim", "Suspend a SIM card", "Take a SIM card off the network.", {"sim_id": ""}),
    ("create_video_room", "Create a video room", "Open a room for video meetings.", {"room_name": ""}),
    ("verify_code", "Check a code", "Check a one-time code that a user typed.", {"Code": "Digits"}),
    (
        "list_regulatory_bundles",
        "List documents",
        "Papers filed for numbers abroad.",
        {"country": "ISO 3166"},
    ),
    ("create_brand", "Register a brand", "Register a sender of messages.", {"brand_name": ""}),
)
MOST = len(_DECLARED)


def distractors() -> list[Json]:
    """Every distractor as an MCP tool definition."""
    return [_tool(*declared) for declared in _DECLARED]


def _tool(name: str, title: str, description: str, arguments: dict[str, str]) -> Json:
    properties: Json = {
        key: {"type": "string", "description": said} if said else {"type": "string"}
        for key, said in arguments.items()
    }
    reads = name.startswith(("list_", "get_", "lookup_", "verify_"))
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": list(arguments)[:1],
            "additionalProperties": False,
        },
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": not reads,
            "idempotentHint": reads,
            "openWorldHint": True,
        },
    }
