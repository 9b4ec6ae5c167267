"""Generated pages: written whole, compared byte by byte, and told apart by the exit code."""

import pytest

from switchyard.pages import write_or_check

COMMAND = "python -m room.docs"


def test_write__no_arguments__writes_the_page(tmp_path):
    path = tmp_path / "docs" / "room.md"
    path.parent.mkdir()

    assert write_or_check([], path, "# Room: Ω\n", COMMAND) == 0

    assert path.read_text(encoding="utf-8") == "# Room: Ω\n"


def test_check__current_page__says_nothing(tmp_path, capsys):
    path = tmp_path / "room.md"
    write_or_check([], path, "# Room\n", COMMAND)

    assert write_or_check(["--check"], path, "# Room\n", COMMAND) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("on_disk", [None, "", "# Room", "# Old\n"])
def test_check__stale_or_absent_page__names_the_command_and_changes_nothing(tmp_path, capsys, on_disk):
    path = tmp_path / "room.md"
    if on_disk is not None:
        path.write_text(on_disk, encoding="utf-8")

    assert write_or_check(["--check"], path, "# Room\n", COMMAND) == 1

    assert capsys.readouterr().err == f"{path} is out of date: run `{COMMAND}`\n"
    assert (path.read_text(encoding="utf-8") if path.exists() else None) == on_disk


def test_arguments__unknown__write_nothing(tmp_path, capsys):
    path = tmp_path / "room.md"

    assert write_or_check(["--chek"], path, "# Room\n", COMMAND) == 2

    assert not path.exists()
    assert capsys.readouterr().err == f"usage: {COMMAND} [--check]\n"
