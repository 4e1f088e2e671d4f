"""Classify one checkpoint with nothing but httpx, following the progress events.

python examples/classify_one.py subject.safetensors [http://127.0.0.1:8000]

Where the service wants a key, it is read from PROBE_SANDWICH_API_KEY.
"""

import json
import os
import sys
from pathlib import Path

import httpx

if len(sys.argv) < 2:
    raise SystemExit(__doc__)
path = Path(sys.argv[1])
url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8000"
key = os.environ.get("PROBE_SANDWICH_API_KEY")

try:
    with (
        path.open("rb") as file,
        httpx.stream(
            "POST",
            f"{url}/classify",
            files={"checkpoint": (path.name, file)},
            headers={"accept": "text/event-stream"} | ({"authorization": f"Bearer {key}"} if key else {}),
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
                answer = json.loads(value)
                print(json.dumps(answer, indent=2))
                if event == "problem":
                    raise SystemExit(f"refused: {answer['detail']}")
                print(f"{answer['verdict']}: {answer['reason']}", file=sys.stderr)
                break
except httpx.TransportError as error:
    raise SystemExit(f"{url} does not answer ({error}); start it with `probe-sandwich serve`") from None
