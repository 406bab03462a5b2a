"""How often and how many at once a payer may be called, held across processes and hosts."""
