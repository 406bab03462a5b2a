"""The page "New upload"."""
