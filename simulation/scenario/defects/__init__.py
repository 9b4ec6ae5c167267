"""What defects of equipment change in the circuit and in what its instruments say."""
