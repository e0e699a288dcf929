"""Waiting for a file that another process may hold, and not for ever."""

from __future__ import annotations

import time

_LOOK_AGAIN_SECONDS = 0.01


def lock(descriptor: int, seconds: float) -> bool:
    """Hold an open file alone until it is closed; False when somebody else does not let go of it in time.

    An advisory lock between processes that ask for one, on POSIX systems.
    """
    import fcntl

    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_AGAIN_SECONDS)
