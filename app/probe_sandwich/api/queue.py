"""The queue before the workers: whose jobs have cost least goes first, so that nobody's large jobs starve others."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items by client, in turns weighted by what each client's items cost (start-time fair queueing)."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._spent: dict[str, float] = {}
        """By client: when its next item is due, on a clock that only costs move."""
        self._now = 0.0
        self._arrived = asyncio.Event()

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def put(self, client: str, item: Item) -> None:
        """Let an item wait."""
        self._waiting.setdefault(client, deque()).append(item)
        self._spent[client] = max(self._now, self._spent.get(client, 0.0))
        self._arrived.set()

    async def get(self) -> Item:
        """The next item."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self.pop()

    def pop(self) -> Item:
        """The next item, where one waits."""
        client = min(self._waiting, key=self._spent.__getitem__)
        self._now = self._spent[client]
        item = self._waiting[client].popleft()
        if not self._waiting[client]:
            del self._waiting[client]
        # Who is not ahead of the clock stands as well as a stranger: no need to remember him.
        self._spent = {
            name: due for name, due in self._spent.items() if due > self._now or name in self._waiting or name == client
        }
        return item

    def charge(self, client: str, seconds: float) -> None:
        """What an item of this client has cost."""
        self._spent[client] = max(self._now, self._spent.get(client, 0.0)) + seconds
