"""Zips as uploads."""

import io
import json
import zipfile

from probe_sandwich.formulas.vocabulary import FORMULA_SYMBOLS


def zip_of(**files: bytes) -> bytes:
    """A zip archive, as a Hugging Face model might be sent."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def bundle_of(config: bytes | None = None, weights: bytes = b"", **changes: object) -> bytes:
    """A Hugging Face model of nothing."""
    symbols = [*FORMULA_SYMBOLS, "[PAD]"]
    facts = {"architectures": ["BertForSequenceClassification"], "vocab_size": 12} | changes
    return zip_of(
        **{
            "config.json": json.dumps(facts).encode() if config is None else config,
            "model.safetensors": weights,
            "subject.json": json.dumps({"vocabulary": symbols, "train_max_length": 12}).encode(),
        }
    )
