"""The page "Uploads"."""
