"""So much of something there is, and so much of it one client may hold."""

import ipaddress
import math
from collections import Counter

from starlette.types import Scope

from probe_sandwich.api.problems import Problem


def client_of(scope: Scope) -> str:
    """Who sends a request: its address, or the network of an IPv6 one, of which a host has 2**64.

    Behind a proxy it is the proxy's, unless uvicorn trusts that proxy (`FORWARDED_ALLOW_IPS`) and takes
    `X-Forwarded-For` from it.
    """
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host


class Bound:
    """A bound on what all clients hold together, and on what one of them holds."""

    def __init__(self, slug: str, what: str, most: int, share: float, retry_after_seconds: int, least: int = 1) -> None:
        self.slug = slug
        self.what = what
        self.most = max(least, most)
        self.most_of_one = max(least, math.ceil(most * share))
        self.held: Counter[str] = Counter()
        self.total = 0
        self._headers = {"Retry-After": str(retry_after_seconds)}

    def check(self, client: str, amount: int = 1) -> None:
        """Raises `Problem` where this much more is too much."""
        if self.total + amount > self.most:
            raise Problem(self.slug, 429, f"{self.total} of {self.most} {self.what}; try again later", self._headers)
        if self.held[client] + amount > self.most_of_one:
            raise Problem(
                "client-limit",
                429,
                f"{self.held[client]} {self.what} by your address alone, which may have {self.most_of_one}; wait for "
                "an answer before you send more",
                self._headers,
            )

    def take(self, client: str, amount: int = 1) -> None:
        """Raises `Problem`."""
        self.check(client, amount)
        self.hold(client, amount)

    def heavier(self, client: str) -> list[str]:
        """Clients who would still hold as much as this one, if one of theirs became its own; the heaviest first."""
        return [other for other, held in self.held.most_common() if held > self.held[client] + 1]

    def hold(self, client: str, amount: int = 1) -> None:
        """Take without a look at the bound: for what takes the place of something that is on its way out."""
        self.held[client] += amount
        self.total += amount

    def give(self, client: str, amount: int = 1) -> None:
        """Give back what was taken."""
        self.total -= amount
        self.held[client] -= amount
        if not self.held[client]:
            del self.held[client]  # strangers can come from any number of addresses
