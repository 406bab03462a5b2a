"""A payer to run against without credentials: a world of claims, a server, scripted faults."""
