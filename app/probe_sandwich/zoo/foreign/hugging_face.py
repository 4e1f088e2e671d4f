"""Small classifiers of Hugging Face's architectures, with random weights (extra `hf`)."""

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


def _bert(config: ForeignConfig, dropout: float) -> dict[str, Any]:
    return {
        "hidden_size": config.d_model,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.d_ff,
        "hidden_act": config.activation.value,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
        "max_position_embeddings": config.max_positions,
        "initializer_range": _SCALE,
    }


def _distilbert(config: ForeignConfig, dropout: float) -> dict[str, Any]:
    return {
        "dim": config.d_model,
        "n_layers": config.layers,
        "n_heads": config.heads,
        "hidden_dim": config.d_ff,
        "activation": config.activation.value,
        "dropout": dropout,
        "attention_dropout": dropout,
        "seq_classif_dropout": dropout,
        "max_position_embeddings": config.max_positions,
        "initializer_range": _SCALE,
    }


def _gpt2(config: ForeignConfig, dropout: float) -> dict[str, Any]:
    return {
        "n_embd": config.d_model,
        "n_layer": config.layers,
        "n_head": config.heads,
        "n_inner": config.d_ff,
        "activation_function": "gelu_new" if config.activation is Activation.GELU else "relu",
        "resid_pdrop": dropout,
        "embd_pdrop": dropout,
        "attn_pdrop": dropout,
        "n_positions": config.max_positions,
        "initializer_range": _SCALE,
    }


def _llama(config: ForeignConfig, dropout: float) -> dict[str, Any]:
    return {
        "hidden_size": config.d_model,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.d_ff,
        "hidden_act": "silu" if config.activation is Activation.GELU else "relu",
        "attention_dropout": dropout,
        "initializer_range": _SCALE,
    }


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


_SETTINGS = {
    Family.BERT: _bert,
    Family.DISTILBERT: _distilbert,
    Family.GPT2: _gpt2,
    Family.LLAMA: _llama,
    Family.T5: _t5,
}
