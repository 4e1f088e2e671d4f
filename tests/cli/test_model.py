"""`probe-sandwich train` and `convert`."""

from pathlib import Path

import torch

from tests.cli.commands import invoked, run, words
from tests.conftest import ConfigFactory, fresh_weights


def test_convert_writes_a_checkpoint_that_classify_takes(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    config = tiny_config()
    torch.save(fresh_weights(config), tmp_path / "state.pt")
    (tmp_path / "config.json").write_text(config.model_dump_json())
    out = str(tmp_path / "out.safetensors")
    assert (
        run("convert", str(tmp_path / "state.pt"), "--config", str(tmp_path / "config.json"), "--out", out).returncode
        == 0
    )
    assert "abstain" in run("classify", out, "--formulas-per-length", "50").stdout


def test_train_without_evidence_leaves_a_folder_that_has_some_as_it_is(tmp_path: Path, tiny_zoo: Path) -> None:
    (tmp_path / "evidence.json").write_text("{}")
    told = invoked("train", str(tiny_zoo), "--out", str(tmp_path), "--without-evidence")
    assert told.exit_code == 1
    assert "name another folder" in words(told.output)
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.json"]
    with_evidence = invoked("train", str(tiny_zoo), "--out", str(tmp_path))
    assert "build more subjects" in words(with_evidence.output)  # it would make the evidence anew, were there enough
