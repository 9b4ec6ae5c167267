"""A copy of a shipped substation with edits, as a user would make one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import substations

Edit = tuple[str, str]


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """A function that copies a shipped substation and replaces the first occurrence of texts in its files."""

    def copy(*, yaml: tuple[Edit, ...] = (), circuit: tuple[Edit, ...] = (), name: str = "mumbai") -> Path:
        folder = tmp_path / name
        shutil.copytree(substations.folder(name), folder)
        for file, edits in (("substation.yaml", yaml), ("circuit.dss", circuit)):
            text = (folder / file).read_text(encoding="utf-8")
            for old, new in edits:
                assert old in text, f"{old!r} is not in {file}"
                text = text.replace(old, new, 1)
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    return copy
