"""How much an embed, and one address on it, may ask: a sliding minute, counted in one place under one lock.

A question that is refused counts for nobody. Counts are in memory and of this process; they hold addresses for at most
WINDOW seconds after their last question.
"""

import ipaddress
import math
import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW = 60.0
"""Seconds that a question counts."""

PREFIX = 64
"""Bits of an IPv6 address that one household has; it can take any address below them."""

SWEEP = 1024
"""Keys above which those of a past window are thrown away, so that many addresses do not fill the memory."""


class Limits:
    """Counts what was asked in the last WINDOW seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, ...], deque[float]] = {}

    def take(self, counts: dict[tuple[str, ...], int]) -> int:
        """Count a question under every key, or, if one is at its limit, under none. 0, or seconds until there is room."""
        with self._lock:
            now = self._clock()
            if len(self._asked) > SWEEP:
                self._asked = {key: times for key, times in self._asked.items() if times[-1] > now - WINDOW}
            wait = max(self._wait(key, limit, now) for key, limit in counts.items())
            if wait <= 0:
                for key in counts:
                    self._asked.setdefault(key, deque()).append(now)
            return max(0, math.ceil(wait))

    def _wait(self, key: tuple[str, ...], limit: int, now: float) -> float:
        times = self._asked.get(key, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if not times:
            self._asked.pop(key, None)
        return times[-limit] + WINDOW - now if len(times) >= limit else 0.0


def household(address: str) -> str:
    """What is counted as one address: an IPv4 address, or the network that an IPv6 address is in."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, PREFIX), strict=False))
