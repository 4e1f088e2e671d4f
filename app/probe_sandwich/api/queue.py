"""The queue before the workers: whose jobs have cost least goes first, so that nobody's large jobs starve others."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items by client, in turns weighted by what each client's items cost (start-time fair queueing).

    An item that is being worked on can lose its turn too: `pop_before` gives those whose clients stand before its own.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._due: dict[str, float] = {}
        """By client: when its next item is due, on a clock that only costs move."""
        self._now = 0.0
        self._arrived = asyncio.Event()

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def put(self, client: str, item: Item, first: bool = False) -> None:
        """Let an item wait; `first`: before the others of its client."""
        items = self._waiting.setdefault(client, deque())
        if first:
            items.appendleft(item)
        else:
            items.append(item)
        self._due[client] = max(self._now, self._due.get(client, 0.0))
        self._arrived.set()

    async def get(self) -> Item:
        """The next item."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self.pop()

    def pop(self) -> Item:
        """The next item, where one waits."""
        client = min(self._waiting, key=self._due.__getitem__)
        return self._pop(client, self._waiting[client][0])

    def pop_before(self, client: str, suits: Callable[[Item], bool]) -> Item | None:
        """The next item that suits, of clients who are due before this one; None where there is none."""
        due = self._due.get(client, self._now)
        for other in sorted(self._waiting, key=self._due.__getitem__):
            if self._due[other] >= due:
                break
            for item in self._waiting[other]:
                if suits(item):
                    return self._pop(other, item)
        return None

    def drop_last(self, client: str) -> Item | None:
        """Take the latest item of a client out; None where none waits."""
        if client not in self._waiting:
            return None
        return self._remove(client, self._waiting[client][-1])

    def charge(self, client: str, seconds: float) -> None:
        """What an item of this client has cost."""
        self._due[client] = max(self._now, self._due.get(client, 0.0)) + seconds

    def pass_on(self, client: str) -> None:
        """It is this client's turn: the clock goes on to where that stands."""
        self._now = max(self._now, self._due.get(client, 0.0))
        # Who is not ahead of the clock stands as well as a stranger: no need to remember him.
        self._due = {
            name: due for name, due in self._due.items() if due > self._now or name in self._waiting or name == client
        }

    def _pop(self, client: str, item: Item) -> Item:
        self.pass_on(client)
        return self._remove(client, item)

    def _remove(self, client: str, item: Item) -> Item:
        self._waiting[client].remove(item)
        if not self._waiting[client]:
            del self._waiting[client]
        return item
