"""`probe-sandwich demo` and `serve`."""

from pathlib import Path

import pytest

from tests.cli.commands import invoked, run, words


def test_demo_shows_a_generalizer_and_one_that_is_none() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("POST /classify") == 2
    assert done.stdout.count("Agreement:      agree") == 2
    assert "Verdict:        generalizer" in done.stdout
    assert "Verdict:        not_generalizer" in done.stdout


def test_a_demo_without_examples_or_meta_classifier_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probe_sandwich.settings.SHIPPED_MODELS", tmp_path)
    done = invoked("demo")
    assert done.exit_code == 1
    assert "holds no example checkpoint" in words(done.output)
