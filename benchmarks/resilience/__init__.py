"""How the service bears what it should never see: bad input, overload, swaps, deaths, damage, a long day."""
