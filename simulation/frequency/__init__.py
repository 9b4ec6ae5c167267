"""System frequency: swing equation, governors, secondary control, shedding, disturbances, quiet movement."""
