"""`probe-sandwich demo` and `serve`."""

import socket
from pathlib import Path

import pytest

from tests.cli.commands import invoked, words


def test_a_demo_without_examples_or_meta_classifier_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probe_sandwich.settings.SHIPPED_MODELS", tmp_path)
    done = invoked("demo")
    assert done.exit_code == 1
    assert "holds no example checkpoint" in words(done.output)


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = invoked("serve", "--port", str(port))
    assert done.exit_code == 1
    assert f"error: cannot listen on port {port} of 127.0.0.1: Address already in use" in words(done.output)
    assert "choose another with --port" in words(done.output)
