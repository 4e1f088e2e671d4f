"""Files, whole or the part of them that a request wants."""

from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from probe_sandwich.api.problems import Problem


class RangedFile(FileResponse):
    """A file; where the `Range` that is wanted of it cannot be had, the answer is a problem, as all errors are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises `Problem`."""

        async def send_file(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                raise _refusal(message)
            await send(message)

        await super().__call__(scope, receive, send_file)


def _refusal(start: Message) -> Problem:
    """The problem, of the start of Starlette's own answer, which is plain text."""
    if start["status"] != 416:
        return Problem("bad-request", 400, "Range: it cannot be read; write bytes=FIRST-LAST, or leave it out")
    (held,) = [value.decode() for name, value in start["headers"] if name == b"content-range"]
    return Problem(
        "range-not-satisfiable",
        416,
        f"Range: it begins beyond the file, which has {held.rpartition('/')[2]} bytes; ask for less, or leave it out",
        {"Content-Range": held},
    )
