"""A policy file that is followed while the server runs: an edit counts from the next call on."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from texml_mcp.catalog import Endpoint
from texml_mcp.gate.policy.decide import Decision, decide, failed
from texml_mcp.gate.policy.errors import PolicyError
from texml_mcp.gate.policy.load import parse, read_text, unreadable
from texml_mcp.gate.policy.model import Policy
from texml_mcp.gate.policy.rule import Mode

log = logging.getLogger(__name__)

# Two writes within one tick of the file system's clock can leave time and size the same.
_RACY_SECONDS = 2.0

_Signature = tuple[int, int, int, int, int]


class PolicySource:
    """The policy in a file, as it is at each call.

    Raises `PolicyError` when the file is not valid to begin with: a server must not start with it. A file
    that vanishes or becomes invalid later denies every write until it is valid again; reads go on under
    the last valid policy, so that what it denied stays denied.

    Replace the file by renaming a complete one over it: half a file that happens to be valid TOML cannot
    be told from a shorter policy.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._looking = threading.Lock()  # writes are ruled on in threads of their own
        self._problem: str | None = None
        self._signature: _Signature | None = None
        self._settled = False
        self._signature, self._settled = self._look()
        self._text = read_text(self.path)
        self._policy = parse(self._text, self.path)

    def refresh(self) -> str | None:
        """Looks at the file, reads it again when it changed; what is wrong with it, or None.

        Never raises. An unchanged file costs one `stat`.
        """
        with self._looking:
            try:
                self._refresh()
            except PolicyError as error:
                self._broken(str(error))
            except Exception as error:
                self._broken(f"{self.path}: {type(error).__name__}")
            return self._problem

    @property
    def policy(self) -> Policy:
        """The last valid policy. Writes must go through `decide`, which knows whether it still counts."""
        return self._policy

    def decide(
        self,
        endpoint: Endpoint,
        wire_arguments: Mapping[str, Any],
        *,
        mode: Mode = "auto",
        role: str | None = None,
    ) -> Decision:
        """`decide` under the file as it is now. Never raises."""
        problem = self.refresh()
        if problem is not None and not endpoint.reads:
            return failed(
                f"The policy file cannot be used, so nothing is changed until it is mended: {problem}"
            )
        return decide(self._policy, endpoint, wire_arguments, mode=mode, role=role)

    def _refresh(self) -> None:
        signature, settled = self._look()
        if signature == self._signature and self._settled:
            return
        # Looked at before it is read: a write in between shows as a change at the next call.
        text = read_text(self.path)
        if text != self._text or self._problem is not None:
            self._policy = parse(text, self.path)
            log.info("policy %s was read again", self.path)
        self._text, self._problem = text, None
        self._signature, self._settled = signature, settled

    def _look(self) -> tuple[_Signature, bool]:
        """What tells one state of the file from another, and whether that can be relied on yet."""
        try:
            seen = os.stat(self.path)  # noqa: PTH116 - a Path a call would cost more than the stat
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None
        signature = (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino, seen.st_dev)
        age = time.time() - max(seen.st_mtime, seen.st_ctime)
        return signature, age > _RACY_SECONDS

    def _broken(self, problem: str) -> None:
        if problem != self._problem:
            log.error("policy: %s", problem)
        # The signature is forgotten: the next call reads again, whatever the file looks like.
        self._problem, self._signature = problem, None
