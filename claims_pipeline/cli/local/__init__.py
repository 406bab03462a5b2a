"""Commands that work on this machine: its home, its store, its processes."""
