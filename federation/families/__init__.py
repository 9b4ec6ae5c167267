"""How each family of models learns from sites that keep their rows."""
