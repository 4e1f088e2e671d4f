"""The cache believes nothing that others could have written, and removes nothing that is not its own."""

import json
import os
from pathlib import Path

import pytest
from probe_sandwich.api.cache import Cache, sources_digest
from probe_sandwich.api.documented import EXAMPLE
from probe_sandwich.options import Options
from probe_sandwich.sandwich.card import Card
from probe_sandwich.settings import Settings

from tests.conftest import MODEL

ANSWER = json.dumps(EXAMPLE)
KEY = "0" * 64


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache with one answer."""
    made = Cache(tmp_path / "answers", 1 << 20)
    made.put(KEY, ANSWER)
    return made


def entry_of(cache: Cache) -> Path:
    (entry,) = cache.folder.iterdir()
    return entry


def test_an_answer_comes_back_from_a_folder_that_only_its_user_can_open(cache: Cache) -> None:
    assert cache.get(KEY) == ANSWER
    assert cache.get("1" * 64) is None
    assert (cache.folder.stat().st_mode & 0o777, entry_of(cache).stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_usual_folder_lies_in_the_users_own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROBE_SANDWICH_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().cache_dir == tmp_path / "probe-sandwich"


def test_a_folder_of_another_user_is_neither_believed_nor_filled(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(cache.folder).st_uid + 1)
    assert cache.get(KEY) is None
    assert cache.get(KEY) is None
    cache.put("1" * 64, ANSWER)
    assert len(list(cache.folder.iterdir())) == 1
    assert [record.name for record in caplog.records] == ["probe_sandwich.cache"]


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720, 0o702])
def test_a_folder_that_others_can_write_to_is_not_believed(cache: Cache, mode: int) -> None:
    cache.folder.chmod(mode)
    assert cache.get(KEY) is None


def test_a_link_to_a_folder_is_not_followed(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(cache.folder)
    assert Cache(tmp_path / "link", 1 << 20).get(KEY) is None


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff", ANSWER.encode()[:-1], b'{"verdict":"generalizer"}'])
def test_an_entry_that_is_no_diagnosis_is_a_miss_and_goes_away(cache: Cache, content: bytes) -> None:
    entry = entry_of(cache)
    entry.write_bytes(content)
    assert cache.get(KEY) is None
    assert not entry.exists()


def test_an_entry_that_is_no_regular_file_is_a_miss(cache: Cache, tmp_path: Path) -> None:
    entry = entry_of(cache)
    elsewhere = tmp_path / "elsewhere.json"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)
    assert cache.get(KEY) is None
    entry.unlink()
    os.mkfifo(entry)
    assert cache.get(KEY) is None


def test_the_least_recently_used_answers_go_and_files_of_others_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 2 * len(ANSWER))
    tmp_path.chmod(0o700)
    others = [tmp_path / "notes.json", tmp_path / f"{KEY}.json", tmp_path / "folder"]
    for other in others[:2]:
        other.write_text("mine" * 10_000)
        os.utime(other, (0, 0))
    others[2].mkdir()
    keys = [str(number) * 64 for number in range(3)]
    for number, key in enumerate(keys[:2]):
        cache.put(key, ANSWER)
        os.utime(tmp_path / f"diagnosis-{key}.json", (number, number))
    assert cache.get(keys[0]) is not None
    cache.put(keys[2], ANSWER)
    assert [cache.get(key) is not None for key in keys] == [True, False, True]
    assert all(other.exists() for other in others)


def test_a_full_disk_leaves_nothing_half_written(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    cache.put("1" * 64, ANSWER)
    assert len(list(cache.folder.iterdir())) == 1


def test_code_is_other_code_whatever_changes_in_it(tmp_path: Path) -> None:
    digests = []
    for number, (name, text) in enumerate((("a.py", "x"), ("b.py", "x"), ("a.py", "y"))):
        root = tmp_path / str(number)
        root.mkdir()
        (root / name).write_text(text)
        digests.append(sources_digest(root))
    assert len(set(digests)) == 3


def test_another_threshold_card_or_code_is_another_key(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card.model_validate_json((MODEL / "card.json").read_text())
    stricter = card.model_copy(update={"threshold": card.threshold / 2})
    keys = {cache.key(KEY, Options(), "cpu", one.fingerprint) for one in (card, card.model_copy(), stricter)}
    assert len(keys) == 2
    monkeypatch.setattr("probe_sandwich.api.cache.sources_digest", lambda: "others")
    assert cache.key(KEY, Options(), "cpu", card.fingerprint) in keys, "what answers is what was read at the start"
    later = Cache(cache.folder, cache.max_bytes)
    assert later.key(KEY, Options(), "cpu", card.fingerprint) not in keys
