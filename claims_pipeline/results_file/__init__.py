"""What a results file looks like: its columns, and cells that no spreadsheet runs as formulas."""
