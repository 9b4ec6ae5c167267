"""docs/features.md is generated and current."""

from features import NAMES, SEQUENCE_FEATURES
from features.docs import PAGE, main, page


def test_page__on_disk__is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m features.docs`"


def test_page__every_feature__is_in_it_once():
    text = page()
    assert all(text.count(f"\n| `{name}` |") == 1 for name in NAMES)
    assert all(text.count(f"\n| `{feature.name}` |") == 1 for feature in SEQUENCE_FEATURES)


def test_check__stale_page__fails_and_says_what_to_run(tmp_path, capsys):
    path = tmp_path / "features.md"
    assert main([], path) == 0
    assert main(["--check"], path) == 0
    path.write_text("old")

    assert main(["--check"], path) == 1
    assert "python -m features.docs" in capsys.readouterr().err
