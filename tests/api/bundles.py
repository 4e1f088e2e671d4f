"""Zips as uploads."""

import io
import json
import zipfile

from probe_sandwich.tasks.logic.vocabulary import FORMULA_SYMBOLS


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


def of_version(version: int) -> bytes:
    """A bundle that asks for a version of the format that there is not."""
    content = bytearray(bundle_of())
    for signature, place in ((b"PK\x03\x04", 4), (b"PK\x01\x02", 6)):
        start = content.find(signature)
        while start >= 0:
            content[start + place] = version
            start = content.find(signature, start + 4)
    return bytes(content)


def with_bad_lzma() -> bytes:
    """A bundle whose config is packed by LZMA, with properties that no decoder takes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("config.json", b"{}" * 50, zipfile.ZIP_LZMA)
        archive.writestr("model.safetensors", b"")
        archive.writestr("subject.json", b"{}")
    content = bytearray(packed.getvalue())
    start = 30 + len("config.json")
    content[start + 4 : start + 9] = b"\xff" * 5
    return bytes(content)
