"""The operations, one module for each noun; each module has a `router`."""
