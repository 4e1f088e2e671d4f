"""Checkpoints from state dicts."""

import zipfile
from pathlib import Path

import pytest
import torch
from probe_sandwich.subjects import checkpoint as checkpoints
from probe_sandwich.subjects.checkpoint import CheckpointError, InvalidConfig, load_checkpoint
from probe_sandwich.subjects.convert import NotAStateDict, convert

from tests.conftest import ConfigFactory, fresh_weights


def test_a_state_dict_of_one_number_seen_two_to_the_forty_times(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    state, config = tmp_path / "state.pt", tmp_path / "config.json"
    torch.save({"embedding": torch.zeros(1).expand(2**40)}, state)
    config.write_text(tiny_config().model_dump_json())
    with pytest.raises(checkpoints.WrongShape, match="embedding"):
        convert(state, config, tmp_path / "out")


def test_a_state_dict_that_inflates(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    plain, state, config = tmp_path / "plain.pt", tmp_path / "state.pt", tmp_path / "config.json"
    torch.save({"embedding": torch.zeros(2**22)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(state, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    assert state.stat().st_size < 2**24 // 100
    config.write_text(tiny_config().model_dump_json())
    with pytest.raises(NotAStateDict, match="compressed"):
        convert(state, config, tmp_path / "out")


def test_convert_makes_a_checkpoint_of_a_state_dict(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    config = tiny_config(scheme="learned")
    weights = fresh_weights(config)
    torch.save(weights, tmp_path / "state.pt")
    (tmp_path / "config.json").write_text(config.model_dump_json())
    convert(tmp_path / "state.pt", tmp_path / "config.json", tmp_path / "out.safetensors")
    loaded = load_checkpoint(tmp_path / "out.safetensors")
    assert all(torch.equal(loaded.weights[name], weights[name]) for name in weights)


class Trap:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("__import__('pathlib').Path('sprung').touch()",)


def test_convert_runs_no_code_of_a_pickle(
    tmp_path: Path, tiny_config: ConfigFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"embedding": Trap()}, tmp_path / "state.pt")
    (tmp_path / "config.json").write_text(tiny_config().model_dump_json())
    with pytest.raises(NotAStateDict):
        convert(tmp_path / "state.pt", tmp_path / "config.json", tmp_path / "out.safetensors")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (torch.nn.Linear(2, 2), "holds a whole module or other objects, not a state dict; save model.state_dict()"),
        ([torch.zeros(2)], "is not a dictionary of names and tensors; save model.state_dict()"),
        ({"embedding": torch.zeros(2, 2)}, "names and layout as in docs/checkpoint.md"),
        ({}, "names and layout as in docs/checkpoint.md"),
    ],
)
def test_convert_says_in_one_line_what_to_save_instead(
    tmp_path: Path, tiny_config: ConfigFactory, content: object, advice: str
) -> None:
    torch.save(content, tmp_path / "state.pt")
    (tmp_path / "config.json").write_text(tiny_config().model_dump_json())
    with pytest.raises(CheckpointError) as refusal:
        convert(tmp_path / "state.pt", tmp_path / "config.json", tmp_path / "out.safetensors")
    assert advice in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "weights_only" not in str(refusal.value)


def test_convert_refuses_what_torch_never_wrote(tmp_path: Path, tiny_config: ConfigFactory) -> None:
    (tmp_path / "state.pt").write_bytes(b"hello world")
    (tmp_path / "config.json").write_text(tiny_config().model_dump_json())
    with pytest.raises(NotAStateDict, match=r"state\.pt cannot be read as a state dict"):
        convert(tmp_path / "state.pt", tmp_path / "config.json", tmp_path / "out.safetensors")


def test_convert_names_the_file_that_is_no_config(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("width = 32")
    with pytest.raises(InvalidConfig, match=r"mine\.py: the config does not validate"):
        convert(tmp_path / "state.pt", tmp_path / "mine.py", tmp_path / "out.safetensors")
