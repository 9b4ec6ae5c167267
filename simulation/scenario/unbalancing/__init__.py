"""What makes a substation unbalanced, and by how much."""
