"""Pictures of what `switchyard up` shows in a browser, for the documentation."""
