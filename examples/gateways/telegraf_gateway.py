"""Telegraf's metrics to the service: JSON lines in, answers out. Started by Telegraf's `outputs.execd`.

Each metric is one reading of one point: tags `substation` and `point`, fields `v_a` … `q_c` and `f` in V, A,
W, var and Hz. Ten seconds in a row make a request. Answers go to a file as JSON lines, for `inputs.tail`.
"""

import json
import os
import sys
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from switchyard.client import BusyError, Client, RefusedError, UnreachableError

READINGS = 10


def reading(metric: dict[str, Any]) -> dict[str, Any]:
    """One reading of the wire; a missing field is a null sample, which makes the reading invalid."""
    fields = metric["fields"]
    phases = {name: [fields.get(f"{name}_{phase}") for phase in "abc"] for name in ("v", "i", "p", "q")}
    whole = fields.get("f") is not None and all(None not in values for values in phases.values())
    quality = fields.get("quality", "good") if whole else "invalid"
    t = datetime.fromtimestamp(metric["timestamp"], UTC).isoformat(timespec="milliseconds")
    return {"t": t.replace("+00:00", "Z"), **phases, "f": fields.get("f"), "quality": quality}


def main(url: str, answers: Path) -> None:
    """Ask about every point once a second, on its last ten readings."""
    last: dict[tuple[str, str], deque[dict[str, Any]]] = {}
    with Client(url, key=os.environ.get("SWITCHYARD_API_KEY"), attempts=2, timeout_s=5.0) as client:
        for line in sys.stdin:
            metric = json.loads(line)
            place = metric["tags"]["substation"], metric["tags"]["point"]
            readings = last.setdefault(place, deque(maxlen=READINGS))
            readings.append(reading(metric))
            if len(readings) < READINGS:
                continue
            item = {"substation": place[0], "point": place[1], "readings": list(readings)}
            try:
                answer = client.infer(item, deadline_s=0.8)
            except (BusyError, UnreachableError, RefusedError) as error:
                # Telegraf logs standard error. The next second brings a fresh request; this one is not kept.
                sys.stderr.write(f"{error}\n")
                continue
            with answers.open("a", encoding="utf-8") as file:
                file.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
