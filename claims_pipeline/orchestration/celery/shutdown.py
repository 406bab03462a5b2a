"""What a process knows of itself as a worker that carries out lanes for runs elsewhere."""

import threading

# Tells lanes to leave off. Of the process, not of a step: a worker that goes down is done with all
# of its lanes. Never set in a run's own process, whose end is the run's affair.
worker_is_stopping = threading.Event()

# Set in a worker's processes. The outbox is on the run's machine: its files bear the name of the
# dropped file, which names patients and must not land on a worker's disk.
is_worker = threading.Event()
