"""Error answers in the documented form: `{"errors": [{code, title, detail, source, meta}]}`."""

from __future__ import annotations

from typing import Any

_DOCS = "https://developers.telnyx.com/docs/overview/errors/"


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, error: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(error.get("detail") or error.get("title"))
        self.status = status
        self.body: dict[str, Any] = {"errors": [error]}
        self.headers = headers or {}


def _error(status: int, code: str, title: str, detail: str, pointer: str = "") -> ApiError:
    error: dict[str, Any] = {"code": code, "title": title, "detail": detail}
    if pointer:
        error["source"] = {"pointer": pointer}
    error["meta"] = {"url": _DOCS + code}
    return ApiError(status, error)


def not_found() -> ApiError:
    """The TeXML paths: no code."""
    return ApiError(404, {"detail": "Resource not found"})


def wrong_account() -> ApiError:
    return _error(
        404, "10005", "Resource not found", "The requested resource or URL could not be found.", "/"
    )


def unauthenticated(detail: str = "Could not understand the provided credentials.") -> ApiError:
    return _error(401, "10009", "Authentication failed", detail)


def missing(name: str) -> ApiError:
    # The API's own slip: its pointer says ApplicationId while the parameter is ApplicationSid.
    said = "ApplicationId" if name == "ApplicationSid" else name
    return _error(422, "10004", "Missing required parameter", f"Can't be blank: {said}", f"/{said}")


def not_one_of(name: str, values: tuple[str, ...]) -> ApiError:
    detail = f"{name} must be one of {', '.join(values)}"
    return _error(422, "10032", "Invalid enumerated value", detail, f"/{name}")


def wrong_type(name: str, wanted: str) -> ApiError:
    detail = f"The '{name}' parameter must be of type '{wanted}'"
    return _error(422, "10026", "Invalid parameter type", detail, f"/{name}")


def not_e164(name: str) -> ApiError:
    detail = f"The {name} parameter must be a phone number in +E.164 format or a SIP URI."
    return _error(422, "10016", "Phone number must be in +E.164 format", detail, f"/{name}")


def refused_number(name: str) -> ApiError:
    return _error(422, "10016", "Number not allowed", "Emergency numbers are never dialled.", f"/{name}")


def contradiction(first: str, second: str) -> ApiError:
    return _error(422, "10015", "Bad request", f"{first} and {second} exclude each other.", f"/{first}")


def call_over() -> ApiError:
    detail = "This call is no longer active and can't receive commands."
    return _error(422, "90018", "Call has already ended", detail)


def conference_over() -> ApiError:
    detail = "This conference is no longer active and can't receive commands."
    return _error(400, "90019", "Conference has already ended", detail)


def on_hold() -> ApiError:
    return _error(400, "90047", "Participant on hold", "A participant on hold hears no announcement.")


def bad_request(detail: str) -> ApiError:
    return _error(400, "10015", "Bad request", detail)


def unsupported_media() -> ApiError:
    return _error(415, "10014", "Unsupported media type", "Send JSON or a form.")


def injected(fault: dict[str, Any]) -> ApiError:
    """The error that a fault asked for."""
    error = {"code": fault["code"]} if fault["code"] else {}
    wait = fault["retry_after_seconds"]
    headers = {} if wait is None else {"retry-after": str(int(wait))}
    return ApiError(
        fault["status"], {**error, "title": "Injected fault", "detail": "By a sandbox fault."}, headers
    )


def too_many(seconds: int) -> ApiError:
    answer = _error(
        429, "10011", "Too many requests", "You have exceeded the maximum number of allowed requests."
    )
    answer.headers = {"retry-after": str(seconds)}
    return answer
