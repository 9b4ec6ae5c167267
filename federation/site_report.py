"""What models are worth on the test days of one measured dataset."""

from __future__ import annotations

import msgspec

from models.observed_training import Figure

FEDERATED, FINE_TUNED, LOCAL_ONLY, POOLED = "federated", "fine_tuned", "local_only", "pooled"
"""Whose figures stand beside those of the opponents."""


class SiteReport(msgspec.Struct, frozen=True):
    """One site of a federation of measured datasets; JSON-able by `msgspec.to_builtins`.

    Attributes:
        site: Its name.
        digest: Of its dataset's content.
        split: Which days trained, validated and tested.
        n: Training rows that entered, n_k.
        rows: Test rows, the same for everybody.
        episodes: Test episodes that intervals are drawn from.
        figures: By metric, the global model first; `ahead` is by how much that one is better. Its opponents
            learnt from the site's own training days.
    """

    site: str
    digest: str
    split: str
    n: int
    rows: int
    episodes: int
    figures: tuple[Figure, ...]

    def figure(self, who: str, metric: str) -> Figure | None:
        """Figure of one of them; None where there is none."""
        return next((one for one in self.figures if (one.who, one.metric) == (who, metric)), None)

    def best(self, who: tuple[str, ...], metric: str) -> Figure | None:
        """The best of some of them; None where none has a figure."""
        found = [self.figure(name, metric) for name in who]
        known = [(one.value, one) for one in found if one is not None and one.value is not None]
        if not known:
            return None
        sign = 1.0 if known[0][1].direction == "higher" else -1.0
        return max(known, key=lambda pair: sign * pair[0])[1]
