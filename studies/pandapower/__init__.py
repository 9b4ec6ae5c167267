"""Studies of networks that pandapower reads."""
