"""Single cells: cleaned text, dates, practices."""
