"""`probe-sandwich demo` and `serve`."""

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
