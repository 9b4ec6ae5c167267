"""A network in the other engine's own form: every element exactly, or none and its name in the error."""
