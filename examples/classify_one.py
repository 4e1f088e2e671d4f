"""Classify one checkpoint with nothing but httpx, following the progress events.

python examples/classify_one.py subject.safetensors [http://127.0.0.1:8000]
"""

import json
import sys
from pathlib import Path

import httpx

path = Path(sys.argv[1])
url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8000"

with (
    path.open("rb") as file,
    httpx.stream(
        "POST",
        f"{url}/classify",
        files={"checkpoint": (path.name, file)},
        headers={"accept": "text/event-stream"},
        timeout=120,
    ) as response,
):
    if response.is_error:
        raise SystemExit(f"{response.status_code}: {response.read().decode()}")
    event = ""
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data" and event == "progress":
            print(f"… {json.loads(value)['stage']}", file=sys.stderr)
        elif name == "data":
            print(json.dumps(json.loads(value), indent=2))
            raise SystemExit(event == "problem")
