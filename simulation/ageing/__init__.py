"""How equipment ages: what stresses it day by day, which defects grow in it, and when it fails."""
