"""One partition per upload. Keys are opaque ids; they are never used again."""

import dagster as dg

uploads_partitions = dg.DynamicPartitionsDefinition(name="uploads")

# The tag that carries a launch's ticket. The database decides what it is worth: a copied or
# invented ticket serves no attempt.
TICKET_TAG = "claims/ticket"
