"""System frequency: swing equation, governors, secondary control, load shedding, disturbances, quiet movement."""
