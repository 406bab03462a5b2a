"""Sample files that a sandbox of the same seed answers, with each row's right answer."""
