"""Intake as a run does it: `python -m benchmarks.intake_ours UPLOAD`, in `CLAIMS_HOME`."""

import sys

from benchmarks.held import take
from claims_pipeline.settings import load_settings

if __name__ == "__main__":
    with take(load_settings(), sys.argv[1]) as held:
        held.store_rows()
