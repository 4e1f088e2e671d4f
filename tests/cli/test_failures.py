"""What cannot be done is said in a line, with an exit code."""

from pathlib import Path

import pytest

from tests.api.test_hostile import with_config
from tests.cli.commands import invoked, run, words
from tests.conftest import EXAMPLES


def test_an_error_is_told_in_a_line() -> None:
    done = run("formulas", "sample", "--min-length", "1", "--max-length", "5")
    assert done.returncode == 1
    assert "widen the range" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("zoo", "info", "{empty}"), "holds no zoo shards"),
        (("zoo", "info", "{empty}"), "of all tasks needs `--recipe broad`"),
        (("zoo", "merge", "{empty}"), "holds no zoo shards"),
        (("zoo", "verify", "{empty}"), "holds no zoo shards"),
        (("zoo", "prune", "{empty}"), "holds no zoo shards"),
        (("zoo", "card", "{tiny}", "--steps", "8"), "another recipe"),
        (("evaluate", "{tiny}", "--model", "{empty}"), "no meta-classifier"),
        (("classify", "{example}", "--model", "{empty}"), "no meta-classifier"),
        (("classify", "{empty}"), "holds no config.json"),
        (("convert", "{example}", "--config", "{example}", "--out", "{empty}/x"), "config"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    arguments: tuple[str, ...], says: str, tmp_path: Path, tiny_zoo: Path
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"empty": tmp_path / "empty", "tiny": tiny_zoo, "example": EXAMPLES[0]}
    done = invoked(*(argument.format(**places) for argument in arguments))
    assert done.exit_code == 1
    assert says in words(done.output)
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("command", [("classify",), ("rank",), ("rank", "--csv")])
def test_what_a_file_says_of_itself_does_not_drive_the_terminal(command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "one.safetensors"
    file.write_bytes(with_config(**{"\x1b]0;owned\x1b[2J\x9b1m": 1}))
    done = invoked(*command, str(file))
    assert "\\x1b]0;owned\\x1b[2J\\x9b1m: Extra inputs are not permitted" in words(done.output)
    assert not {"\x1b", "\x9b"} & set(done.output)


def test_cuda_where_there_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("probe_sandwich.settings.gpu_count", lambda: 0)
    monkeypatch.setenv("PROBE_SANDWICH_DEVICE", "cuda")
    for arguments in (("classify", str(EXAMPLES[0])), ("serve",), ("zoo", "build", str(tmp_path), "--device", "cuda")):
        done = invoked(*arguments)
        assert (done.exit_code, "sees no GPU" in words(done.output)) == (1, True)
