"""`probe-sandwich convert`."""

from pathlib import Path

import torch

from tests.cli.commands import run
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
