"""Throttled attempts: how long somebody who gave wrong passwords has to wait before the next one is looked at."""

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

FREE_ATTEMPTS = 5
"""Wrong attempts of one caller after which waiting begins."""

LONGEST_WAIT = 60.0
"""The longest wait of one caller, in s: nobody is locked out for longer."""

ATTEMPTS_A_MINUTE = 30
"""Attempts of all callers together that are looked at in a minute, except in browsers where the password was right."""

_FORGOTTEN_SECONDS = 3600.0
_MOST_CALLERS = 10_000
_MINUTE = 60.0


@dataclass
class _Failures:
    count: int
    last: float


class Throttle:
    """Counts attempts by caller; `now` is a clock in s."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._callers: OrderedDict[str, _Failures] = OrderedDict()
        self._recent: deque[float] = deque()

    def begin(self, caller: str, is_known: bool) -> int:
        """Count an attempt, as a failure until `succeeded`. Returns 0, or the s to wait if it must not be looked at.

        `is_known` says that the caller is a browser in which the password was right before: it is not kept out by what
        others do.
        """
        now = self._now()
        failures = self._callers.get(caller)
        if failures is not None and now - failures.last > _FORGOTTEN_SECONDS:
            del self._callers[caller]
            failures = None
        if failures is not None and failures.count >= FREE_ATTEMPTS:
            wait = failures.last + min(LONGEST_WAIT, 2.0 ** (failures.count - FREE_ATTEMPTS)) - now
            if wait > 0:
                return math.ceil(wait)
        if not is_known:
            while self._recent and self._recent[0] <= now - _MINUTE:
                self._recent.popleft()
            if len(self._recent) >= ATTEMPTS_A_MINUTE:
                return math.ceil(self._recent[0] + _MINUTE - now)
            self._recent.append(now)
        self._callers[caller] = _Failures(1 if failures is None else failures.count + 1, now)
        self._callers.move_to_end(caller)
        if len(self._callers) > _MOST_CALLERS:
            self._callers.popitem(last=False)
        return 0

    def succeeded(self, caller: str, is_known: bool) -> None:
        """Forget the failures of a caller, who has given the password with the attempt that began last."""
        self._callers.pop(caller, None)
        if not is_known and self._recent:
            self._recent.pop()


def caller_of(address: str) -> str:
    """What counts as one caller: an address of IPv4, or a network of IPv6, as one household has it (64 bits)."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((int(known), 64), strict=False))
    return str(known)
