"""docs/contracts.md is generated and current."""

from data_contracts.docs import PAGE, main, page
from data_contracts.tables import TABLES


def test_page__on_disk__is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m data_contracts.docs`"


def test_page__every_table_column_and_rule__is_in_it():
    text = page()
    for table in TABLES.values():
        assert f"## `{table.name}`" in text
        assert all(f"| `{column.name}` |" in text for column in table.columns)
        assert all(f"| `{rule.name}` |" in text for rule in table.rules)


def test_check__stale_page__fails_and_says_what_to_run(tmp_path, capsys):
    path = tmp_path / "contracts.md"
    assert main([], path) == 0
    assert main(["--check"], path) == 0
    path.write_text("old")

    assert main(["--check"], path) == 1
    assert "python -m data_contracts.docs" in capsys.readouterr().err
