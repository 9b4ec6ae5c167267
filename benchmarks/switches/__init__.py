"""What the switches of serving cost: canaries, shadows, joint answering, one request for many models."""
