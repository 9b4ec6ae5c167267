"""The commands, a module a subject; outside the layers: each imports the room that it needs when it runs."""
