"""The database and the file store: every step's facts, and the only places that hold PHI."""
