from models import docs
from models.catalogue import NAMES


def test_page__in_the_repository__is_up_to_date():
    assert docs.PAGE.read_text(encoding="utf-8") == docs.page()


def test_page__every_model__is_named_and_has_a_section():
    text = docs.page()
    assert all(f"| `{name}` |" in text for name in NAMES)
    assert all(f"\n## {name}\n" in text for name in NAMES)
