"""Tells the lanes of this process to leave off: the worker that runs them is to end."""

import threading

# Of the process, not of a step: a worker that goes down is done with all of its lanes. Never set
# in a run's own process, whose end is the run's affair.
worker_leaves = threading.Event()
