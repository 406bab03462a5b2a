"""What the upload service keeps in the database for itself."""
