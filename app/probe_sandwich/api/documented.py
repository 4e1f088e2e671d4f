"""What the API's description shows of answers: an example of each, and every problem that a request may get."""

import json
from pathlib import Path
from typing import Any

from probe_sandwich.answer import ProblemDocument
from probe_sandwich.api.problems import MEDIA_TYPE, TYPE_PREFIX

EVENT_STREAM = "text/event-stream"
EXAMPLE = json.loads(Path(__file__).with_name("example_diagnosis.json").read_text())


def problem_answer(slug: str, status: int, description: str) -> dict[str, Any]:
    """How a problem is described."""
    example = {"type": TYPE_PREFIX + slug, "title": description, "status": status, "detail": "what to do about it"}
    schema = ProblemDocument.model_json_schema()
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: problem_answer("malformed-file", 400, "The file or the request breaks its format"),
    401: problem_answer("unauthorized", 401, "The service wants its API key"),
    408: problem_answer("upload-too-slow", 408, "The upload came too slowly, or its client left"),
    413: problem_answer("upload-too-large", 413, "The upload or the subject is too large"),
    415: problem_answer("not-safetensors", 415, "The file is not of safetensors format"),
    422: problem_answer("invalid-config", 422, "The file holds no usable subject, or a field does not validate"),
    429: problem_answer("queue-full", 429, "The queue is full; Retry-After says when to come back"),
    503: problem_answer(
        "worker-lost",
        503,
        "The worker ended during the job, or none starts (`not-ready`); Retry-After says when to come back",
    ),
}
