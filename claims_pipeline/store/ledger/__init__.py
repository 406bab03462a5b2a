"""What is to be asked of a payer, what was asked, and what it said."""
