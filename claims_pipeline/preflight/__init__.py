"""What is right and wrong in a file, and what asking it would cost, before anything is asked."""
