"""One partition per upload, and the tags of ours. Keys are opaque ids, never used again."""

import dagster as dg

from claims_pipeline.store.attempts.launch_tags import UPLOADS_PARTITIONS

uploads_partitions = dg.DynamicPartitionsDefinition(name=UPLOADS_PARTITIONS)

# Marks the steps that may be carried out by another process than the run's own.
LANE_TAG = "claims/lane"

# The file that an upload begins with; nothing here makes it.
UPLOADED_CSV = "uploaded_csv"
