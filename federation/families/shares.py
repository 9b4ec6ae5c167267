"""How many trees of a union each site grows."""

from __future__ import annotations

from collections.abc import Mapping

from federation.errors import FederationError


def apportion(trees: int, n: Mapping[str, int]) -> dict[str, int]:
    """Share `trees` among sites in proportion to their rows, by largest remainder, at least one each.

    Raises:
        FederationError: There are fewer trees than sites.
    """
    if trees < len(n):
        raise FederationError(f"forest: {trees} trees for {len(n)} sites", "grow a tree per site at least")
    total = sum(n.values())
    quota = {site: trees * rows / total for site, rows in n.items()}
    share = {site: int(quota[site]) for site in sorted(n)}
    by_remainder = sorted(share, key=lambda site: share[site] - quota[site])
    for site in by_remainder[: trees - sum(share.values())]:
        share[site] += 1
    for site in [site for site in share if share[site] == 0]:
        share[max(share, key=lambda other: share[other])] -= 1
        share[site] = 1
    return share
