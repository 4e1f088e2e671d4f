"""Uploads on disk: once, under a name of ours, and no longer than their request."""

import errno
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from probe_sandwich.api import spool as spooling
from probe_sandwich.api.metrics import Metrics
from probe_sandwich.api.service import Service
from probe_sandwich.api.spool import OF_ONE_MODEL
from probe_sandwich.main import create_app
from probe_sandwich.settings import Settings

from tests.api.conftest import KEY
from tests.api.raw import PART, head, slug
from tests.conftest import EXAMPLES, post


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ([("checkpoint", ("a", b"1")), ("checkpoint", ("b", b"2"))], "checkpoint: sent more than once"),
        ([("checkpoint", ("a", b"1")), ("chekpoint", ("b", b"2"))], "chekpoint: no field of this form"),
        ([("checkpoint", ("a", b"1")), ("noise-draws", (None, "3"))], "noise-draws: no field of this form"),
        ([("checkpoint", ("a", b"1")), ("seed", (None, "3")), ("seed", (None, "4"))], "seed: sent more than once"),
    ],
)
def test_a_part_that_is_not_asked_for_is_named(guarded: httpx.Client, parts: Any, word: str) -> None:
    response = guarded.post("/classify", files=parts)
    assert (response.status_code, slug(response)) == (422, "invalid-request")
    assert word in response.json()["detail"]


@pytest.mark.parametrize("name", OF_ONE_MODEL)
def test_a_batch_refuses_what_describes_one_model_and_says_where_it_belongs(guarded: httpx.Client, name: str) -> None:
    response = guarded.post("/classify/batch", files=[("checkpoints", ("a", b"1")), (name, (None, "12"))])
    assert (response.status_code, slug(response)) == (422, "invalid-request")
    assert response.json()["detail"].startswith(f"{name}: no field of this form; it has checkpoints, ")
    assert "POST /classify takes it" in response.json()["detail"]


def test_whatever_one_model_may_have_and_a_batch_may_not_is_known_as_such() -> None:
    schemas = create_app(Settings(device="cpu")).openapi()["components"]["schemas"]
    one, many = (
        set(schemas[f"Body_{name}_post"]["properties"])
        for name in ("classify_classify", "classify_batch_classify_batch")
    )
    assert one - many == {"checkpoint", *OF_ONE_MODEL}


@pytest.mark.parametrize("content", [b"", b"--x\r\n", b"--y--", b"\x00" * 100, PART[:-3]])
def test_a_broken_form_is_a_400_or_names_the_missing_part(guarded: httpx.Client, content: bytes) -> None:
    response = guarded.post("/classify", content=content, headers={"content-type": "multipart/form-data; boundary=x"})
    assert response.status_code in (400, 422)


@pytest.mark.parametrize("charset", ["idna", "undefined", "utf-16", "punycode"])
def test_a_form_is_read_as_utf_8_whatever_it_says(guarded: httpx.Client, charset: str) -> None:
    content = PART + EXAMPLES[0].read_bytes() + b"\r\n--x--\r\n"
    headers = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
    assert guarded.post("/classify", content=content, headers=headers).status_code == 200


def test_an_upload_lies_on_disk_once_and_goes_with_the_request(guarded: httpx.Client, monkeypatch: Any) -> None:
    import probe_sandwich.api.service as module  # noqa: PLC0415

    seen: list[int] = []
    hashed = module._sha256

    def look(subject: Any) -> str:
        seen.extend(path.stat().st_size for path in subject.checkpoint.parent.iterdir())
        seen.append(-1)
        folders.append(subject.checkpoint.parent)
        return hashed(subject)

    folders: list[Path] = []
    monkeypatch.setattr(module, "_sha256", look)
    content = EXAMPLES[0].read_bytes()
    assert post(guarded, content).status_code == 200
    assert seen == [len(content), -1]
    post(guarded, b"junk")
    time.sleep(0.1)
    assert list(folders[0].iterdir()) == []


def test_a_socket_that_closes_in_the_middle_leaves_nothing(guarded: httpx.Client, url: str) -> None:
    address = url.rsplit(":", 1)
    for _ in range(10):
        raw = socket.create_connection(("127.0.0.1", int(address[1])))
        raw.sendall(head(100_000, more=f"Authorization: Bearer {KEY}") + PART + bytes(1000))
        raw.close()
    time.sleep(0.5)
    lines = guarded.get("/metrics").text.splitlines()
    assert "probe_sandwich_uploads_in_flight 0.0" in lines


def test_a_full_disk_is_a_503_that_says_so_while_it_lasts(faked: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert faked.get("/health/ready").status_code == 200
    with monkeypatch.context() as lasting:
        lasting.setattr(spooling.Spool, "folder", full)
        for response in (post(faked, b"fine"), faked.get("/health/ready")):
            assert (response.status_code, slug(response)) == (503, "no-space")
            assert "No space left on device" in response.json()["detail"]
            assert int(response.headers["retry-after"]) > 0
        assert faked.get("/health/live").status_code == 200
    assert faked.get("/health/ready").status_code == 200
    assert post(faked, b"fine").json()["detail"] == "fine"


def test_a_spool_folder_that_vanished_is_made_anew_where_it_can_be(fake: Settings, tmp_path: Path) -> None:
    service = Service(fake, Metrics())
    folder = service.spool.folder()
    shutil.rmtree(folder)
    assert service.spool.complaint() is None
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)
    folder.write_text("in the way")
    complaint = service.spool.complaint()
    assert complaint is not None
    assert (complaint.status_code, complaint.slug) == (503, "no-space")
    folder.unlink()
