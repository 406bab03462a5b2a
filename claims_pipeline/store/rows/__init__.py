"""The rows of an upload: stored at intake, answered, counted, checked and read back."""
