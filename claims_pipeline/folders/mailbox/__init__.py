"""A partner's folders at a clearinghouse: files are written to one and taken from the other."""
