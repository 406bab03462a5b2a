"""UnitedHealthcare's part of the sandbox: reads its calls, answers in its JSON."""

from claims_pipeline.sandbox.uhc.part import PART

__all__ = ["PART"]
