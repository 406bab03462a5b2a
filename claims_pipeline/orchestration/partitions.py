"""One partition per upload. Keys are opaque ids; they are never used again."""

import dagster as dg

from claims_pipeline.run_names import UPLOADS_PARTITIONS

uploads_partitions = dg.DynamicPartitionsDefinition(name=UPLOADS_PARTITIONS)
