"""Small classifiers of Hugging Face's architectures, with random weights (extra `hf`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import transformers

from probe_sandwich.subjects.config import Activation
from probe_sandwich.subjects.hugging_face import Model
from probe_sandwich.zoo.foreign.config import BEGIN, CLASSES, END, PAD, Family, ForeignConfig

ARCHITECTURES = {
    Family.BERT: "BertForSequenceClassification",
    Family.DISTILBERT: "DistilBertForSequenceClassification",
    Family.GPT2: "GPT2ForSequenceClassification",
    Family.LLAMA: "LlamaForSequenceClassification",
    Family.T5: "T5ForSequenceClassification",
}
_SCALE = 0.08
"""Deviation of fresh weights: the library's 0.02 is meant for ten times the width, and learns nothing here for long."""


def build_hugging_face(config: ForeignConfig, dropout: float = 0.0) -> Model:
    """A model with random weights from torch's global generator, which is the only one that the library asks."""
    model_class = getattr(transformers, ARCHITECTURES[config.family])
    settings = _SETTINGS[config.family](config, dropout) | {
        "vocab_size": len(config.vocabulary),
        "pad_token_id": config.vocabulary.index(PAD),
        "bos_token_id": config.vocabulary.index(BEGIN),
        "eos_token_id": config.vocabulary.index(END),
        "num_labels": CLASSES,
        "use_cache": False,
    }
    described = model_class.config_class(**settings)
    described._attn_implementation = "eager"
    return model_class(described)


@dataclass(frozen=True)
class _Names:
    """What a family calls its sizes and switches."""

    width: str
    layers: str
    heads: str
    inner: str
    activation: str
    dropouts: tuple[str, ...]
    positions: str | None = None
    gelu: str = "gelu"

    def settings(self, config: ForeignConfig, dropout: float) -> dict[str, Any]:
        """A config in the family's words."""
        sizes = {
            self.width: config.d_model,
            self.layers: config.layers,
            self.heads: config.heads,
            self.inner: config.d_ff,
            self.activation: self.gelu if config.activation is Activation.GELU else "relu",
            "initializer_range": _SCALE,
        }
        table = {} if self.positions is None else {self.positions: config.max_positions}
        return sizes | table | dict.fromkeys(self.dropouts, dropout)


def _t5(config: ForeignConfig, dropout: float) -> dict[str, Any]:
    return {
        "d_model": config.d_model,
        "d_kv": config.d_model // config.heads,
        "num_layers": (config.layers + 1) // 2,
        "num_decoder_layers": (config.layers + 1) // 2,
        "num_heads": config.heads,
        "d_ff": config.d_ff,
        "feed_forward_proj": "gated-gelu" if config.activation is Activation.GELU else "relu",
        "dropout_rate": dropout,
        "classifier_dropout": dropout,
        "decoder_start_token_id": config.vocabulary.index(PAD),
    }


_LONG_NAMES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act")
_SETTINGS: dict[Family, Callable[[ForeignConfig, float], dict[str, Any]]] = {
    Family.BERT: _Names(
        *_LONG_NAMES, ("hidden_dropout_prob", "attention_probs_dropout_prob"), "max_position_embeddings"
    ).settings,
    Family.DISTILBERT: _Names(
        *("dim", "n_layers", "n_heads", "hidden_dim", "activation"),
        ("dropout", "attention_dropout", "seq_classif_dropout"),
        "max_position_embeddings",
    ).settings,
    Family.GPT2: _Names(
        *("n_embd", "n_layer", "n_head", "n_inner", "activation_function"),
        ("resid_pdrop", "embd_pdrop", "attn_pdrop"),
        "n_positions",
        "gelu_new",
    ).settings,
    Family.LLAMA: _Names(*_LONG_NAMES, ("attention_dropout",), gelu="silu").settings,
    Family.T5: _t5,
}
