"""The service: a tour of it, and running it."""

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from probe_sandwich.cli.failures import console, explained, fail
from probe_sandwich.cli.show import show_diagnosis, show_legend

if TYPE_CHECKING:
    from probe_sandwich.client import Client

_START_SECONDS = 60


@explained(lambda: "the service has ended")
def demo() -> None:
    """Start the service, upload the two bundled checkpoints, and print both answers for each."""
    from probe_sandwich.client import Client  # noqa: PLC0415
    from probe_sandwich.settings import SHIPPED_MODELS, Settings  # noqa: PLC0415

    folder = SHIPPED_MODELS / "examples"
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise fail(f"{folder} holds no example checkpoint; fetch the repository's models/ again")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    console.print(f"Starting the service on {url} …")
    command = [sys.executable, "-m", "uvicorn", "probe_sandwich.main:app", "--port", str(port)]
    # A tour, not a log; and each answer is worked out, not remembered.
    quiet = {"PROBE_SANDWICH_LOG_LEVEL": "error", "PROBE_SANDWICH_CACHE_BYTES": "0"}
    server = subprocess.Popen([*command, "--log-level", "warning"], env=os.environ | quiet)
    key = Settings().api_key
    try:
        with Client(url, None if key is None else key.get_secret_value()) as client:
            _wait_until_ready(client, server)
            diagnoses = []
            for path in paths:
                console.print(f"\n[bold]POST /classify[/bold]  {path.name}")
                diagnoses.append(client.classify(path))
                show_diagnosis(diagnoses[-1])
            show_legend(diagnoses)
    finally:
        server.terminate()
        server.wait()
    console.print("The service has stopped. Your own checkpoints: [bold]probe-sandwich classify FILE…[/bold]")


def _wait_until_ready(client: "Client", server: "subprocess.Popen[bytes]") -> None:
    from probe_sandwich.client import NoService  # noqa: PLC0415

    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            health = client.health()
        except NoService:
            time.sleep(0.1)
            continue
        if health["status"] != "ready":
            raise fail(f"the service is not ready: {health['reason']}")
        console.print(f"Service {health['status']} on {health['device']}.")
        return
    raise fail("the service did not start; run `probe-sandwich serve` to see why")


def _check_port(host: str, port: int) -> None:
    """Ends the command before workers start for a service that nobody could reach."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            tried.bind(address)
    except OSError as error:
        raise fail(f"cannot listen on port {port} of {host}: {error.strerror}; choose another with --port") from error


@explained()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=0, help="Worker processes; 0: one a GPU, or one.", envvar="PROBE_SANDWICH_WORKERS")
    ] = 0,
) -> None:
    """Run the service (settings: PROBE_SANDWICH_* in the environment)."""
    import uvicorn  # noqa: PLC0415

    from probe_sandwich.settings import Settings  # noqa: PLC0415

    os.environ["PROBE_SANDWICH_WORKERS"] = str(workers)
    settings = Settings()
    if settings.device == "cuda":
        settings.worker_devices()  # says now where there is none
    _check_port(host, port)
    uvicorn.run(
        "probe_sandwich.main:app",
        host=host,
        port=port,
        access_log=False,
        http="probe_sandwich.api.connections:Connections",
        timeout_graceful_shutdown=settings.drain_seconds,
    )
