"""Logging: readable lines on standard error, JSON lines in the home."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

ROOT = "switchyard"


_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}
_CONTROLS_BUT_NEWLINE = {code: text for code, text in _CONTROLS.items() if code != ord("\n")}


class PlainLines(logging.Formatter):
    """Lines for people: nothing that a message holds can begin another line or steer the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, with control characters escaped."""
        return super().formatMessage(record).translate(_CONTROLS)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """The trace, its lines set off from those of the log."""
        text = super().formatException(ei).translate(_CONTROLS_BUT_NEWLINE)
        return "\n".join(f"  | {line}" for line in text.split("\n"))


class JsonLines(logging.Formatter):
    """One JSON object a line; whatever a message holds is escaped by the encoder."""

    def format(self, record: logging.LogRecord) -> str:
        """Format `record` with its time (UTC), level, logger, process and message."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def get_logger(name: str) -> logging.Logger:
    """Logger below Switchyard's own root, whatever package asks."""
    return logging.getLogger(f"{ROOT}.{name}")


def configure(level: str, folder: Path | None = None, command: str = "switchyard") -> None:
    """Set up Switchyard's loggers; other libraries' are left alone.

    Args:
        level: Least severe level shown on standard error.
        folder: Where `<command>.jsonl` is kept with every line from INFO on; None keeps no file.
        command: Name of the log file.
    """
    root = logging.getLogger(ROOT)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(min(logging.getLevelName(level), logging.INFO))
    root.propagate = False
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(level)
    screen.setFormatter(PlainLines("%(asctime)s  %(message)s", datefmt="%H:%M:%S"))
    root.addHandler(screen)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(folder / f"{command}.jsonl", encoding="utf-8", delay=True)
        file.setLevel(logging.INFO)
        file.setFormatter(JsonLines())
        root.addHandler(file)
