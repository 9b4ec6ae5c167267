"""A version by another algorithm against the champion, decided as soon as it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from models.errors import PromotionError
from switchyard.home import Home
from switchyard.log import get_logger

if TYPE_CHECKING:
    from models.comparison import Comparison
    from models.promotion import Decision
    from models.registry import RegisteredVersion

_log = get_logger("flows")

Compare = Callable[["RegisteredVersion", "RegisteredVersion"], "Comparison"]


def contest(home: Home, registered: str, version: int, compare: Compare) -> Decision | None:
    """Let the rule decide between a version and an older champion; None where there is nothing to decide.

    A version that was decided on before is not decided on again, and one that cannot be compared with the
    champion, such as after another split, stays challenger.

    Args:
        home: The installation's folders.
        registered: Registered name.
        version: The version that wants the champion's place.
        compare: Compares the champion, its first argument, with the version on unseen episodes.
    """
    from models import promotion, registry

    champion = registry.get(home, registered, registry.CHAMPION)
    challenger = registry.get(home, registered, version)
    decided = challenger.tags.get("compared_with") == str(champion.version)
    if version <= champion.version or decided:
        return None
    promotion.servable(challenger)
    try:
        compared = compare(champion, challenger)
    except PromotionError as error:
        _log.warning("%s version %d stays challenger: %s", registered, version, error)
        return None
    return promotion.decide(home, champion, challenger, compared)
