"""What goes when it was kept for long enough, and what goes with a deleted upload."""
