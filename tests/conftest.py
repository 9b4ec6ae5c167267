"""What all tests share."""

from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("switchyard")
settings.load_profile("switchyard")
