"""How far a command is, where it is read from a file."""

import time
from types import SimpleNamespace

import pytest
from probe_sandwich.cli import progress as module
from probe_sandwich.cli.progress import progress, stages


def test_a_line_at_the_start_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("files", 3) as ticker:
        for done in range(1, 4):
            ticker.count(done, 3)
    assert capsys.readouterr().err.splitlines() == ["files, 0 of 3", "files, 3 of 3"]


def test_a_line_now_and_then_though_nothing_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_A_LINE", 0.05)
    with progress("files", 3) as ticker:
        stages(ticker, "files")("direct_test", "(0T, 1T]")
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 4
    assert lines[1] == "files: direct test (0T, 1T], 0 of 3"


def test_every_stage_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading") as ticker:
        ticker.stage("training")
        ticker.stage("judging")
    assert capsys.readouterr().err.splitlines() == ["reading", "training", "judging", "judging"]


def test_it_says_how_long_the_rest_may_take(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 60.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress("files", 4) as ticker:
        ticker.count(1, 4)
    assert capsys.readouterr().err.splitlines()[-1] == "files, 1 of 4, 0:01:00 so far, about 0:03:00 to go"


def test_what_was_stopped_has_no_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), progress("files", 3):
        raise KeyboardInterrupt
    assert capsys.readouterr().err.splitlines() == ["files, 0 of 3"]
