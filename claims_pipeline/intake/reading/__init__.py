"""Bytes to records: encoding, lines, dialect, the first look at a file."""
