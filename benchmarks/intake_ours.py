"""Intake as a run does it: `python -m benchmarks.intake_ours UPLOAD`, in `CLAIMS_HOME`."""

import sys

from benchmarks.query_phase import take
from benchmarks.stage import Stage
from claims_pipeline.settings import load_settings

if __name__ == "__main__":
    with take(Stage(settings=load_settings(), environment={}), sys.argv[1]) as held:
        held.store_rows()
