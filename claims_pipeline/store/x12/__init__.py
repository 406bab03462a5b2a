"""What is exchanged with clearinghouses by files: partners, what went out, what came back."""
