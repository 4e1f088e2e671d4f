"""What every worker process does first, of the service and of a pool."""

import os
import signal
from multiprocessing import parent_process
from threading import Thread


def follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it ends. To be called in a process that `multiprocessing` started."""
    # A Ctrl-C in the terminal reaches the whole group; the parent says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent that is killed outright cannot stop its children; so they watch it.
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
