"""Everything that a person looks at, under one supervisor: `switchyard up`, `down` and `status`."""
