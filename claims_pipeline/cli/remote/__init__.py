"""Commands that speak to the upload service."""
