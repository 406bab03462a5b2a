"""What a column's name says, read word by word."""
