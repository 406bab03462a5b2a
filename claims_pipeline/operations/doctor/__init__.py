"""Looks at an installation and says what is wrong with it, before a patient's data does."""

from claims_pipeline.operations.doctor.examination import examine
from claims_pipeline.operations.doctor.findings import Finding, State

__all__ = ["Finding", "State", "examine"]
