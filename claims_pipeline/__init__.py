"""A CSV of medical claims in, an answer from the payer for every row out."""
