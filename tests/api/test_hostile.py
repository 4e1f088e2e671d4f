"""The attack corpus: each file gets its 4xx, quickly, and costs no memory that does not come back."""

import json
import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from probe_sandwich.settings import Settings

from tests.api.bundles import bundle_of, of_version, with_bad_lzma, zip_of
from tests.api.test_worker import child_ids, metric, until_ready
from tests.conftest import EXAMPLES, post, running

SECONDS = 2.0
PEAK_MEBIBYTES = 120
ROUNDS = 100


def safetensors(header: object, data: bytes = b"") -> bytes:
    """A file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_config(**changes: object) -> bytes:
    """A good checkpoint with its config changed, tensors as they were."""
    content = EXAMPLES[0].read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    config = json.loads(header["__metadata__"]["config"]) | changes
    header["__metadata__"]["config"] = json.dumps(config)
    return safetensors(header, content[8 + length :])


def with_type(name: str) -> bytes:
    """A good checkpoint with one tensor's type changed."""
    content = EXAMPLES[0].read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header["head.bias"]["dtype"] = name
    return safetensors(header, content[8 + length :])


def tensor(shape: list[int], start: int = 0, end: int = 0, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def header_of_empty_tensors() -> bytes:
    """What the safetensors library takes 26 s and 1.7 GiB for."""
    entries = (b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % number for number in range(1_300_000))
    return safetensors(b"{" + b",".join(entries) + b"}")


def pickle_that_runs_code() -> bytes:
    return b"\x80\x04cos\nsystem\n(S'touch /tmp/probe-sandwich-was-here'\ntR."


CORPUS: dict[str, tuple[int, Callable[[], bytes]]] = {
    "a header of 77 MB, empty tensors": (400, header_of_empty_tensors),
    "five thousand empty tensors": (400, lambda: safetensors({str(n): tensor([0]) for n in range(5000)})),
    "one name twice, on one range": (
        400,
        lambda: safetensors(b'{"a":%s,"a":%s}' % ((json.dumps(tensor([1], 0, 4)).encode(),) * 2), bytes(4)),
    ),
    "two names on one range": (400, lambda: safetensors({"a": tensor([1], 0, 4), "b": tensor([1], 0, 4)}, bytes(4))),
    "2^62 dimensions": (400, lambda: safetensors({"a": tensor([2**62], 0, 4)}, bytes(4))),
    "an integer of five thousand digits": (400, lambda: safetensors(b'{"a":' + b"9" * 5000 + b"}")),
    "half a million dimensions": (
        400,
        lambda: safetensors(b'{"a":{"dtype":"F32","shape":[%s1],"data_offsets":[0,4]}}' % (b"7," * 500_000), bytes(4)),
    ),
    "a type that is no Unicode": (422, lambda: with_type("\ud800")),
    "a config that is no Unicode": (
        422,
        lambda: safetensors({"__metadata__": {"config": '{"architecture":"\ud800"}'}}),
    ),
    "an architecture that is no Unicode": (422, lambda: with_config(architecture="\ud800")),
    "a tensor's name that is no Unicode": (422, lambda: safetensors({"\ud800": tensor([0])})),
    "a zip of version 9.9": (415, lambda: of_version(99)),
    "a zip with bad LZMA properties": (400, with_bad_lzma),
    "a foreign architecture that is no Unicode": (422, lambda: bundle_of(architectures=["\ud800"])),
    "a giant without elements": (422, lambda: safetensors({"a": tensor([0, 2**62])})),
    "negative sizes": (400, lambda: safetensors({"a": tensor([-1, -1], 0, 4)}, bytes(4))),
    "sizes that are not integers": (
        400,
        lambda: safetensors({"a": tensor([1], 0, 4) | {"shape": [1e9]}}, bytes(4)),
    ),
    "a type nobody knows": (422, lambda: safetensors({"a": tensor([1], 0, 4, "F1024")}, bytes(4))),
    "a header that is a list": (415, lambda: safetensors([1, 2, 3])),
    "JSON nested a hundred thousand deep": (400, lambda: safetensors(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "a config nested a hundred thousand deep": (
        422,
        lambda: safetensors({"__metadata__": {"config": '{"a":' * 100_000 + "1" + "}" * 100_000}}),
    ),
    "a config of giant integers": (422, lambda: with_config(d_model=10**4000)),
    "three thousand layers": (422, lambda: with_config(layers=3000)),
    "a position table of 2^31 rows": (422, lambda: with_config(max_positions=2**31)),
    "auto_map": (422, lambda: with_config(auto_map={"AutoModel": "evil.py"})),
    "the trust flag": (422, lambda: with_config(trust_remote_code=True)),
    "the trust flag, nested": (422, lambda: with_config(task={"name": "conjunction", "trust_remote_code": True})),
    "a task whose name is a list": (422, lambda: with_config(task={"name": ["x"]})),
    "another implementation of attention": (422, lambda: with_config(_attn_implementation_internal="x/y")),
    "a pickle that runs code": (415, pickle_that_runs_code),
    "a zip bomb": (400, lambda: zip_of(**{"model.safetensors": bytes(200_000_000)})),
    "a zip with a path out of its folder": (400, lambda: zip_of(**{"../../../tmp/evil": b"x"})),
    "a bundle with a path out of its folder": (
        400,
        lambda: zip_of(**{"../config.json": b"{}", "model.safetensors": b"", "subject.json": b"{}"}),
    ),
    "a zip of a hundred files": (400, lambda: zip_of(**{str(number): b"" for number in range(100)})),
    "a bundle without description": (400, lambda: zip_of(**{"config.json": b"{}", "model.safetensors": b""})),
    "a bundle with a giant vocabulary": (422, lambda: bundle_of(vocab_size=2_000_000_000)),
    "a bundle with code": (422, lambda: bundle_of(auto_map={"AutoModel": "evil.py"})),
    "a bundle with the trust flag, nested": (422, lambda: bundle_of(text_config={"trust_remote_code": True})),
    "a bundle with another attention": (422, lambda: bundle_of(_attn_implementation_internal="a/b")),
    "a bundle with a bomb": (400, lambda: bundle_of(weights=bytes(200_000_000))),
    "a bundle nested deep": (400, lambda: bundle_of(config=b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "a multipart body within a multipart body": (415, lambda: b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--"),
}


@pytest.fixture(scope="module")
def attacked() -> Iterator[tuple[httpx.Client, int]]:
    """A service and the process id of its worker."""
    others = child_ids()
    settings = Settings(device="cpu", cache_bytes=0)
    with running(settings) as url, httpx.Client(base_url=url, timeout=60) as http:
        until_ready(http)
        (worker,) = child_ids() - others
        yield http, worker


def resident_mebibytes(pid: int, what: str = "VmRSS") -> float:
    """Resident memory of a process, now or at its peak (VmHWM)."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(what)]
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("name", CORPUS)
def test_an_attack_gets_its_answer_in_time_and_memory(attacked: tuple[httpx.Client, int], name: str) -> None:
    http, worker = attacked
    status, make = CORPUS[name]
    content = make()
    Path(f"/proc/{worker}/clear_refs").write_text("5")  # forget the peak so far
    before = resident_mebibytes(worker)
    started = time.monotonic()
    response = post(http, content)
    assert time.monotonic() - started < SECONDS
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert resident_mebibytes(worker, "VmHWM") - before < PEAK_MEBIBYTES
    assert not Path("/tmp/probe-sandwich-was-here").exists()


def test_memory_comes_back_after_a_hundred_attacks_and_the_worker_lives(attacked: tuple[httpx.Client, int]) -> None:
    http, worker = attacked
    small = [make() for name, (_, make) in CORPUS.items() if "77 MB" not in name]
    for content in [EXAMPLES[0].read_bytes(), *small]:
        post(http, content)
    before = resident_mebibytes(worker)
    for number in range(ROUNDS):
        assert 400 <= post(http, small[number % len(small)]).status_code < 500
    assert resident_mebibytes(worker) < before * 1.1
    assert metric(http, "worker_restarts_total") == 0
    assert post(http, EXAMPLES[0].read_bytes()).status_code == 200


def test_mutated_checkpoints_get_a_proper_answer(attacked: tuple[httpx.Client, int]) -> None:
    """Bytes changed, mostly in the header; the long run of it is tests/benchmarks/fuzz.py."""
    http, _ = attacked
    chance = random.Random(0)
    good = EXAMPLES[0].read_bytes()
    statuses = {post(http, mutated(good, chance), direct_test="false").status_code for _ in range(200)}
    assert max(statuses) < 500
    assert {200, 400} <= statuses
    assert metric(http, "worker_restarts_total") == 0


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A file with up to eight bytes changed, inserted or deleted, half of them in the header, or cut short."""
    changed = bytearray(content)
    (header,) = struct.unpack("<Q", content[:8])
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(8 + header if chance.random() < 0.5 else len(changed) - 1)
        action = chance.random()
        if action < 0.8:
            changed[place] = chance.randrange(256)
        elif action < 0.9:
            changed.insert(place, chance.randrange(256))
        else:
            del changed[place]
    return bytes(changed[: chance.randrange(len(changed))] if chance.random() < 0.1 else changed)
