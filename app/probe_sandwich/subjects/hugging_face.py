"""Other people's subjects: Hugging Face models for sequence classification, through `transformers` (extra `hf`).

Architectures are a short list, code from outside is never run, the network never asked, sizes are capped before
anything is built. Class 1 must mean satisfiable.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
import transformers
from torch import Tensor, nn

from probe_sandwich.files import Hashed
from probe_sandwich.subjects.bundles import Bundle, Description
from probe_sandwich.subjects.checkpoint import (
    MAX_PARAMETERS,
    InvalidConfig,
    MissingTensor,
    TooManyParameters,
    UnrunnableModel,
    check_tensors,
    read_header,
    read_tensors,
)
from probe_sandwich.subjects.config import Placing
from probe_sandwich.subjects.foreign.checkpoint import ForeignCheckpoint
from probe_sandwich.subjects.foreign.facts import ForeignFacts
from probe_sandwich.subjects.foreign.fillers import at_places, last_seen, with_fillers
from probe_sandwich.subjects.foreign.frame import framed, own_places
from probe_sandwich.subjects.parts import CONFIG, DESCRIPTION
from probe_sandwich.subjects.size import Size
from probe_sandwich.subjects.symbols import own_ids, untested_symbols
from probe_sandwich.subjects.transformer import Responses

MAX_LAYERS = 48
CLASSES = 2
# How a model is run here, whatever its file says; none of it changes an answer.
_RUN_HERE = {
    "return_dict": True,
    "output_attentions": False,
    "output_hidden_states": False,
    "use_cache": False,
    "chunk_size_feed_forward": 0,
    "torchscript": False,
}
_HEAD_KEYS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_WIDTH_KEYS = ("hidden_size", "dim", "n_embd", "d_model")
_INNER_KEYS = ("intermediate_size", "hidden_dim", "n_inner", "d_ff")
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers")
Model = Any  # transformers' classes come without types


@dataclass(frozen=True)
class HeadedFamily:
    """How an architecture is read: its head on any vector, where it pools, how far positions go, and the number of its
    first position (None where positions cannot be chosen)."""

    head: Callable[[Model, Tensor], Tensor]
    pools_first: bool
    positions: Callable[[Any], int | None]
    first_position: Callable[[Any], int] | None = lambda config: 0


_ROTARY = HeadedFamily(
    head=lambda model, x: model.score(x),
    pools_first=False,
    positions=lambda config: None,
)
FAMILIES = {
    "BertForSequenceClassification": HeadedFamily(
        head=lambda model, x: model.classifier(torch.tanh(model.bert.pooler.dense(x))),
        pools_first=True,
        positions=lambda config: config.max_position_embeddings,
    ),
    "DistilBertForSequenceClassification": HeadedFamily(
        head=lambda model, x: model.classifier(torch.relu(model.pre_classifier(x))),
        pools_first=True,
        positions=lambda config: config.max_position_embeddings,
        first_position=None,
    ),
    "RobertaForSequenceClassification": HeadedFamily(
        head=lambda model, x: model.classifier.out_proj(torch.tanh(model.classifier.dense(x))),
        pools_first=True,
        # Its positions begin after its padding id.
        positions=lambda config: config.max_position_embeddings - config.pad_token_id - 1,
        first_position=lambda config: config.pad_token_id + 1,
    ),
    "GPT2ForSequenceClassification": HeadedFamily(
        head=lambda model, x: model.score(x),
        pools_first=False,
        positions=lambda config: config.n_positions,
    ),
    "LlamaForSequenceClassification": _ROTARY,
    "MistralForSequenceClassification": _ROTARY,
    "Qwen2ForSequenceClassification": _ROTARY,
    "T5ForSequenceClassification": HeadedFamily(
        head=lambda model, x: model.classification_head(x),
        pools_first=False,
        positions=lambda config: None,
        first_position=None,
    ),
}


class ForeignSubject:
    """One foreign model behind the interface of `Subjects`."""

    def __init__(self, model: Model, family: HeadedFamily, facts: ForeignFacts, description: Description) -> None:
        self.model = model
        self.family = family
        self.configs = (facts,)
        ids = {symbol: number for number, symbol in enumerate(description.vocabulary)}
        self.own_ids = torch.tensor(
            own_ids(facts.task, description.vocabulary, description.symbols, description.begin, None)
        )
        self.begin = None if description.begin is None else ids[description.begin]
        self.end = None if description.end is None else ids[description.end]

    def __len__(self) -> int:
        return 1

    @property
    def device(self) -> torch.device:
        weight: Tensor = self._table
        return weight.device

    def to(self, device: torch.device) -> Self:
        """The same, moved to a device."""
        self.model.to(device)
        return self

    @property
    def size(self) -> Size:
        config = self.model.config
        width = _first_of(config, _WIDTH_KEYS)
        parameters = sum(parameter.numel() for parameter in self.model.parameters()) - self._table.numel()
        layers = sum(getattr(config, key, None) or 0 for key in _LAYER_KEYS)
        inner = 4 * width if (inner := _first_of(config, _INNER_KEYS)) == 0 else inner
        return Size(parameters, layers, _first_of(config, _HEAD_KEYS), width, inner)

    @property
    def _table(self) -> Tensor:
        weight: Tensor = self.model.get_input_embeddings().weight
        return weight

    def embed_ids(self, ids: Tensor) -> Tensor:
        own = self.own_ids.to(self.device)
        return self._table[own[ids]]

    def embed_distribution(self, symbols: Tensor) -> Tensor:
        own = self.own_ids.to(self.device)
        begin = self._table[self.begin or 0].expand(1, len(symbols), 1, -1)
        return torch.cat([begin, (symbols @ self._table[own[: symbols.shape[-1]]]).unsqueeze(0)], dim=2)

    def forward(self, vectors: Tensor, mask: Tensor, positions: Tensor | None = None) -> Responses:
        end = None if self.end is None else self._table[self.end]
        x, seen = framed(vectors[0], mask.expand(1, -1, -1)[0], self.begin is not None, end)
        places = None
        if positions is not None:
            places = own_places(positions[0], self.begin is not None, self.end is not None).expand(len(x), -1)
        last_hidden = self._placed(x, seen, places)
        pooled = torch.zeros_like(seen[:, 0], dtype=torch.long) if self.family.pools_first else last_seen(seen)
        rows = torch.arange(len(x), device=x.device)
        return Responses(self.family.head(self.model, last_hidden[rows, pooled]).unsqueeze(0), mask)

    def _placed(self, x: Tensor, seen: Tensor, places: Tensor | None) -> Tensor:
        """The last hidden states `(batch, length, d_model)`, the symbols at `places (batch, length)`
        as this subject counts them; those past the end of its table are its last. The usual ones where there are
        none, and where the subject cannot be placed."""
        if places is None or self.configs[0].placing is Placing.IMPOSSIBLE:
            return self._run(x, seen, None)
        if self.family.first_position is None:
            filler = self._table[self.model.config.pad_token_id or 0]
            return at_places(self._run(*with_fillers(x, seen, places, filler), None), places)
        reach = self.family.positions(self.model.config)
        if reach is not None:
            places = places.clamp(max=reach - 1)
        return self._run(x, seen, places + self.family.first_position(self.model.config))

    def _run(self, x: Tensor, mask: Tensor, positions: Tensor | None) -> Tensor:
        arguments: dict[str, Any] = {"inputs_embeds": x, "attention_mask": mask.long(), "return_dict": True}
        if positions is not None:
            arguments["position_ids"] = positions
        base = self.model.base_model
        if self.model.config.model_type == "t5":
            config = self.model.config
            first = getattr(config, "decoder_start_token_id", None)
            start = self._table[config.pad_token_id if first is None else first].expand(len(x), 1, -1)
            # As in training, the decoder sees the sequence shifted right, and what is masked there as here.
            arguments["decoder_inputs_embeds"] = torch.cat([start, x[:, :-1]], dim=1)
            arguments["decoder_attention_mask"] = torch.cat([mask.new_ones(len(x), 1), mask[:, :-1]], dim=1).long()
            arguments["use_cache"] = False
        last_hidden: Tensor = base(**arguments).last_hidden_state
        return last_hidden


def load_bundle(bundle: Bundle) -> ForeignCheckpoint:
    """Build a bundle's model, fill it, and run it once before it is believed.

    Raises the subclass of `CheckpointError` that names what is wrong.
    """
    description = bundle.description
    name = bundle.architecture
    config = _configured(name, bundle.config)
    if config.vocab_size < len(description.vocabulary):
        raise InvalidConfig(
            f"{DESCRIPTION} lists {len(description.vocabulary)} symbols, but vocab_size is {config.vocab_size}"
        )
    model = _built(name, config)
    weights_sha256 = _load_weights(model, bundle)
    model.eval().requires_grad_(False)
    subject = described_subject(model, name, description)
    try_out(subject)
    return ForeignCheckpoint(subject, model, bundle.sha256(weights_sha256))


def described_subject(model: Model, name: str, description: Description) -> ForeignSubject:
    """A model of one of the `FAMILIES` behind the interface of `Subjects`. Raises `InvalidConfig`."""
    family = FAMILIES[name]
    frame = (description.begin is not None) + (description.end is not None)
    limit = family.positions(model.config)
    longest = None if limit is None else limit - frame
    if longest is not None and longest < description.train_max_length:
        raise InvalidConfig(
            f"{CONFIG} has positions for formulas of {max(0, longest)} symbols, but {DESCRIPTION} says that it was "
            f"trained on up to {description.train_max_length}"
        )
    facts = ForeignFacts(
        name,
        description.task,
        description.train_max_length,
        longest,
        _placing(family, longest, description.train_max_length),
        untested_symbols(
            description.task, description.vocabulary, description.symbols, (description.begin, description.end)
        ),
        model.config.num_labels,
    )
    return ForeignSubject(model, family, facts, description)


def _built(name: str, config: Any) -> Model:
    """A model of random weights, after its size was measured on one without any."""
    model_class = getattr(transformers, name)
    try:
        with torch.device("meta"):
            empty = model_class(config)
        # Buffers count too: a table of who may see whom grows with the square of the positions.
        count = sum(tensor.numel() for tensor in (*empty.parameters(), *empty.buffers()))
        if count > MAX_PARAMETERS:
            raise TooManyParameters(count)
        return model_class(config)
    except (TooManyParameters, MemoryError):
        raise
    except Exception as error:  # whatever a library's constructor makes of sizes that do not fit
        raise InvalidConfig(f"{CONFIG} does not describe a {name}: {str(error)[:300]}") from error


def try_out(subject: ForeignSubject) -> None:
    """Run it on one and two symbols, and on as many as it will be asked. Raises `UnrunnableModel`."""
    (facts,) = subject.configs
    most = 4 * facts.train_max_length
    longest = most if facts.longest_formula is None else min(most, facts.longest_formula)
    try:
        with torch.inference_mode():
            for length in (2, longest):
                ids = torch.zeros(1, 2, 1 + length, dtype=torch.long)
                mask = torch.ones(2, 1 + length, dtype=torch.bool)
                mask[1, 2:] = False
                places = torch.arange(1 + length).view(1, 1, -1)
                said = subject.forward(subject.embed_ids(ids), mask, places)
                if said.logits.shape != (1, 2, facts.classes) or not bool(said.logits.isfinite().all()):
                    raise UnrunnableModel(
                        f"the model's answers to two symbols are no {facts.classes} finite numbers each"
                    )
    except (UnrunnableModel, MemoryError):
        raise
    except Exception as error:  # whatever a model makes of sizes and switches that do not fit
        if "can't allocate memory" in str(error):
            raise MemoryError from error
        raise UnrunnableModel(
            f"the model was built from {CONFIG} but cannot be run ({type(error).__name__}: {str(error)[:200]}); "
            "check that `transformers` runs it"
        ) from error


def _placing(family: HeadedFamily, longest: int | None, train_max_length: int) -> Placing:
    """Fillers need room: without it, a model that takes no positions cannot be placed."""
    if family.first_position is not None:
        return Placing.BY_POSITION
    return Placing.BY_FILLERS if longest is None or longest >= 2 * train_max_length else Placing.IMPOSSIBLE


def _first_of(config: Any, keys: Sequence[str]) -> int:
    return next((int(value) for key in keys if (value := getattr(config, key, None))), 0)


def _configured(name: str, raw: Mapping[str, Any]) -> Any:
    if any(type(raw.get(key)) is int and not 1 <= raw[key] <= MAX_LAYERS for key in _LAYER_KEYS):
        raise InvalidConfig(f"{CONFIG} has no layers, or more than {MAX_LAYERS}")
    config_class = getattr(transformers, name).config_class
    known = set(inspect.signature(config_class.__init__).parameters) | {"decoder_start_token_id"}
    own = {key: value for key, value in raw.items() if key in known and not key.startswith("_")}
    try:
        config = config_class(**(own | _RUN_HERE | {"num_labels": CLASSES, "id2label": None, "label2id": None}))
    except Exception as error:  # whatever a library's constructor makes of strange values
        raise InvalidConfig(f"{CONFIG} does not describe a {name}: {str(error)[:300]}") from error
    window = getattr(config, "sliding_window", None)
    if window is not None and window < 1:
        raise InvalidConfig(f"{CONFIG} has a sliding_window of {window}, through which nothing is seen")
    config._attn_implementation = "eager"
    return config


def _load_weights(model: nn.Module, bundle: Bundle) -> str:
    """Fill the model tensor by tensor, so that no second copy of it is held; the hash of their file."""
    state = model.state_dict()
    filled = set()
    with bundle.parts.weights() as (file, size):
        hashed = Hashed(file)
        header = read_header(hashed, size)
        check_tensors(header, {name: tuple(tensor.shape) for name, tensor in state.items() if name in header})
        for name, weight in read_tensors(hashed, header):
            state[name].copy_(weight)
            filled.add(state[name].data_ptr())
    for name, tensor in state.items():
        if tensor.data_ptr() not in filled:  # tied weights may stand there once
            raise MissingTensor(f"tensor {name!r} is missing; the config calls for shape {list(tensor.shape)}")
    return hashed.sha256
