"""What the service's OpenAPI document says of its operations."""
