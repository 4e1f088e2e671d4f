"""Small worlds that the tests share."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import hypothesis
import pytest
import torch
import uvicorn
from probe_sandwich.answer import Definition
from probe_sandwich.api.connections import bounded
from probe_sandwich.main import create_app
from probe_sandwich.settings import SHIPPED_MODELS, Settings
from probe_sandwich.subjects.checkpoint import save_checkpoint
from probe_sandwich.subjects.config import Scheme, SubjectConfig
from probe_sandwich.subjects.transformer import SubjectStack, initial_weights, join
from probe_sandwich.zoo.build import Shard, build, build_stack
from probe_sandwich.zoo.cohorts import Cohort, load_cohorts
from probe_sandwich.zoo.recipe import Group, Recipe, manifest
from probe_sandwich.zoo.shards import read_index
from torch import Tensor

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

ConfigFactory = Callable[..., SubjectConfig]
StackFactory = Callable[..., SubjectStack]

TINY_RECIPE = Recipe(groups=5, seeds_per_group=2, steps=8, formulas=400)
TINY_DEFINITION = Definition(formulas_per_bucket=40)
FAST = {"formulas_per_length": "50", "noise_draws": "1"}
MODEL = SHIPPED_MODELS / "universal"
SAME_P = 5e-3
"""How far apart P of equal answers may be: their last digits turn a few of a thousand trees."""
EXAMPLES = sorted((SHIPPED_MODELS / "examples").glob("*.safetensors"))


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_config() -> ConfigFactory:
    """A valid small config, with whatever a test wants to be different."""

    def make(**changes: object) -> SubjectConfig:
        facts = {
            "d_model": 16,
            "layers": 2,
            "heads": 2,
            "d_ff": 24,
            "scheme": Scheme.ROTARY,
            "max_positions": 49,
            "causal": True,
            "pooling": "max",
            "norm": "pre",
            "activation": "relu",
            "train_max_length": 12,
        }
        return SubjectConfig.model_validate(facts | changes)

    return make


def fresh_weights(config: SubjectConfig, seed: int = 0) -> dict[str, Tensor]:
    """Initial weights of a subject."""
    return initial_weights(config, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="session")
def tiny_stack(tiny_config: ConfigFactory) -> StackFactory:
    """A stack of untrained subjects, one for each change of the config."""

    def make(*changes: dict[str, object], dtype: torch.dtype = torch.float32) -> SubjectStack:
        configs = [tiny_config(**change) for change in changes]
        weights = [
            {name: tensor.to(dtype) for name, tensor in fresh_weights(config, seed).items()}
            for seed, config in enumerate(configs)
        ]
        return join(list(zip(configs, weights, strict=True)))

    return make


def frozen_hash(subjects: SubjectStack) -> str:
    """sha256 over all bytes of the subjects: equal before and after whatever must not change them."""
    digest = hashlib.sha256()
    for name in sorted(subjects.weights):
        digest.update(name.encode())
        digest.update(subjects.weights[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture
def checkpoint_file(tmp_path: Path, tiny_config: ConfigFactory) -> Path:
    """A valid checkpoint of an untrained subject."""
    path = tmp_path / "subject.safetensors"
    config = tiny_config()
    save_checkpoint(path, config, fresh_weights(config))
    return path


@pytest.fixture(scope="session")
def tiny_groups() -> list[Group]:
    """A manifest that trains in seconds, to no good end."""
    return manifest(TINY_RECIPE)


def in_process(stacks: Sequence[Sequence[Group]], definition: Definition) -> Iterator[list[Shard]]:
    """An engine without worker processes, each of which would load PyTorch first."""
    return (build_stack(stack, definition, "cpu") for stack in stacks)


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory, tiny_groups: list[Group]) -> Path:
    """A finished zoo of that manifest."""
    folder = tmp_path_factory.mktemp("zoo")
    build(folder, tiny_groups, in_process, TINY_DEFINITION)
    return folder


@pytest.fixture(scope="session")
def shipped_cohort() -> Cohort:
    """Twelve converged subjects of one shape from the shipped zoo, both labels among them."""
    zoo = SHIPPED_MODELS / "zoo-conjunction"
    rows = [row for row in read_index(zoo) if row.converged]
    by_shape: dict[object, dict[bool, list[int]]] = {}
    for number, row in enumerate(rows):
        by_shape.setdefault(row.config.shape, {True: [], False: []})[row.label].append(number)
    numbers = max(by_shape.values(), key=lambda labels: min(len(labels[True]), len(labels[False])))
    chosen = [rows[number] for label in (True, False) for number in numbers[label][:6]]
    (cohort,) = load_cohorts(zoo, chosen, torch.device("cpu"))
    return cohort


def running(settings: Settings) -> AbstractContextManager[str]:
    """The real app on a real socket; the URL it answers on."""
    return on_socket(create_app(settings), settings)


@contextmanager
def on_socket(app: Any, settings: Settings, root_path: str = "") -> Iterator[str]:
    """An app on a real socket, perhaps behind a proxy's prefix; the URL it answers on."""
    config = uvicorn.Config(app, port=0, log_level="warning", root_path=root_path, http=bounded(settings))
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    """A service with the shipped models, small limits, and no cache."""
    with running(Settings(device="cpu", max_upload_bytes=2_000_000, queue_size=4, cache_bytes=0)) as url:
        httpx.get(f"{url}/health/ready").raise_for_status()
        yield url


@pytest.fixture
def http(service_url: str) -> Iterator[httpx.Client]:
    """A plain HTTP client of that service."""
    with httpx.Client(base_url=service_url, timeout=60) as client:
        yield client


def post(http: httpx.Client, content: bytes, accept: str = "application/json", **fields: str) -> httpx.Response:
    """Upload a checkpoint."""
    return http.post(
        "/classify",
        data=FAST | fields,
        files={"checkpoint": ("one.safetensors", content)},
        headers={"accept": accept},
    )
