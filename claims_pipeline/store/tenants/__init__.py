"""Organizations and the practices they work for."""
