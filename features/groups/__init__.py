"""The groups of the catalogue: each module declares its features and computes them.

A module has `FEATURES`, the declarations in column order, and `fill(s, out)`, which writes one row of `out`
for each of them, [features, m].
"""
