"""Models of what equipment and supply quality will do: failures, overloads, power quality, sags."""
