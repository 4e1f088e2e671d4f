"""One worker process as the event loop sees it: messages in, messages out, and its end."""

import asyncio
import contextlib
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

from probe_sandwich.api.messages import Cancel, Done, Failed, Job, Outcome, Resume, Stage, Started, from_worker
from probe_sandwich.settings import Settings


class WorkerLost(Exception):
    """A worker process has ended, or does not answer as it should."""


def _run(connection: Connection, settings: Settings, device: str) -> None:
    """What the process runs. It alone loads PyTorch: its parent answers health checks the sooner, and stays small."""
    from probe_sandwich.api.worker import run_worker  # noqa: PLC0415

    run_worker(connection, settings, device)


class WorkerProcess:
    """One worker process and its pipe; messages arrive on the event loop, None when it has ended.

    Raises `OSError` where the system has no room for another process, and leaves nothing open.
    """

    def __init__(self, settings: Settings, device: str) -> None:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self.connection: Connection = ours
        self.messages: asyncio.Queue[Started | Failed | Stage | Outcome | Done | None] = asyncio.Queue()
        self._process = context.Process(target=_run, args=(theirs, settings, device), daemon=True)
        try:
            self._process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        Thread(target=self._read, args=(asyncio.get_running_loop(),), daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while True:
                message = from_worker.validate_json(self.connection.recv_bytes())
                loop.call_soon_threadsafe(self.messages.put_nowait, message)
        except (EOFError, OSError, ValueError, RuntimeError):
            # The pipe has closed, a message was cut short by a kill, or the loop is gone.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.messages.put_nowait, None)

    def send(self, message: Job | Cancel | Resume) -> None:
        """Raises `WorkerLost`."""
        try:
            self.connection.send_bytes(message.model_dump_json().encode())
        except OSError as error:
            raise WorkerLost from error

    async def next(self) -> Started | Failed | Stage | Outcome | Done:
        """Raises `WorkerLost`."""
        message = await self.messages.get()
        if message is None:
            raise WorkerLost
        return message

    async def kill(self) -> None:
        """End it now, and wait until it has."""
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        self._process.close()
        self.connection.close()
