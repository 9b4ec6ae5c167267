"""The files of a circuit, found as Windows would find them.

OpenDSS scripts are mostly written on Windows, where `Redirect LINES.DSS` finds `Lines.dss`; here it does not,
and the engine has no setting for it. A scratch folder therefore gets links to the circuit's files under the
names by which the scripts call them, at the same places relative to each other. The engine reads from there.
What a script writes (`show`, `export`) ends up there too and not beside the circuit.

A script with commands for somebody at the engine's own window is copied instead, with those lines empty:
`help` writes to standard output past everything that could catch it, the others are errors without a window.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from studies.errors import StudyError

_WORD = re.compile(r""""([^"]*)"|'([^']*)'|([^\s=,()\[\]{}"']+)""")
_FOLLOWED = ("redirect", "compile")
_FOR_A_SCREEN = re.compile(r"(?im)^[ \t]*(?:help|about|panel|formedit)\b(?![^\n]*\*/)[^\r\n]*")
_DRIVE = re.compile(r"^[A-Za-z]:")
_ENCODING = "latin-1"
"""Scripts come in Windows' encodings too; every byte is a character of this one."""


class Links:
    """Links to one circuit's files in a scratch folder.

    Args:
        circuit: The circuit's main file.
        scratch: An empty folder.

    Attributes:
        main: Where the engine reads the circuit.
    """

    def __init__(self, circuit: Path, scratch: Path) -> None:
        self._scratch = str(scratch.resolve())
        self._real: dict[str, str] = {}
        self._listings: dict[str, dict[str, list[str]]] = {}
        real = os.path.abspath(circuit)  # noqa: PTH100
        self.main = Path(self._link(real, self._scratch + real, script=True))
        self._follow(real, str(self.main))

    def real_names(self, message: str) -> str:
        """A message of the engine with the circuit's own file names in it."""
        for spelled, real in sorted(self._real.items(), key=lambda pair: -len(pair[0])):
            message = message.replace(spelled, real)
        return message.replace(self._scratch, "")

    def _link(self, real: str, spelled: str, *, script: bool = False) -> str:
        self._real[spelled] = real
        os.makedirs(os.path.dirname(spelled), exist_ok=True)  # noqa: PTH103, PTH120
        if not os.path.lexists(spelled):
            text = _read(Path(real)) if script else ""
            if _FOR_A_SCREEN.search(text):
                # The lines stay, so that messages name the right ones.
                Path(spelled).write_text(_FOR_A_SCREEN.sub("", text), encoding=_ENCODING, newline="")
            else:
                os.symlink(real, spelled)  # noqa: PTH211
        return spelled

    def _follow(self, real: str, spelled: str) -> None:
        """Link what a script refers to, and what the scripts that it runs refer to."""
        folder, place = os.path.dirname(real), os.path.dirname(spelled)  # noqa: PTH120
        for words in _commands(Path(real)):
            verb = words[0].lower()
            for position, word in enumerate(words):
                found = self._find(folder, word)
                if found is None:
                    continue
                target = os.path.normpath(f"{place}/{word}".replace("\\", "/"))
                if not target.startswith(self._scratch + "/"):
                    continue
                known = target in self._real
                is_script = position > 0 and verb in _FOLLOWED
                self._link(found, target, script=is_script)
                if not is_script:
                    continue
                if not known:
                    self._follow(found, target)
                if verb == "compile":
                    # The engine stays in the folder of what it has compiled.
                    folder, place = os.path.dirname(found), os.path.dirname(target)  # noqa: PTH120

    def _find(self, folder: str, word: str) -> str | None:
        """The file that a word names, in whatever case."""
        *parents, name = word.replace("\\", "/").split("/")
        if word.startswith(("/", "\\")) or _DRIVE.match(word):
            return None
        for parent in parents:
            if parent in ("", "."):
                continue
            if parent == "..":
                folder = os.path.dirname(folder)  # noqa: PTH120
                continue
            actual = self._entry(folder, parent)
            if actual is None:
                return None
            folder = f"{folder}/{actual}"
        actual = self._entry(folder, name)
        found = f"{folder}/{actual}"
        return found if actual is not None and os.path.isfile(found) else None  # noqa: PTH113

    def _entry(self, folder: str, name: str) -> str | None:
        if folder not in self._listings:
            listing: dict[str, list[str]] = {}
            for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():  # noqa: PTH112, PTH208
                listing.setdefault(entry.lower(), []).append(entry)
            self._listings[folder] = listing
        entries = self._listings[folder].get(name.lower(), [])
        if not entries or name in entries:
            return name if entries else None
        if len(entries) > 1:
            raise StudyError(
                f"{folder}: {name} may be {' or '.join(entries)}",
                "write the file's name as it is in the script",
            )
        return entries[0]


def _commands(script: Path) -> Iterator[list[str]]:
    """The words of each line of a script, comments left out."""
    text = re.sub(r"/\*.*?\*/", "", _read(script), flags=re.DOTALL)
    for line in text.splitlines():
        code = re.split(r"!|//", line, maxsplit=1)[0]
        words = [next(filter(None, groups), "") for groups in _WORD.findall(code)]
        inner = [part for word in words if "=" in word for part in word.split("=")]
        if kept := [word for word in (*words, *inner) if word]:
            yield kept


def _read(script: Path) -> str:
    """A script's text with its line ends as they are."""
    with script.open(encoding=_ENCODING, newline="") as handle:
        return handle.read()
