"""What is asked again and when, what has changed, what is due: pure decisions over values."""
