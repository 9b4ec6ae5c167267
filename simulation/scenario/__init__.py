"""What a substation can live through: one module a scenario kind."""
