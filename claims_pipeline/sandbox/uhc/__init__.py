"""UnitedHealthcare's part of the sandbox: reads its calls, answers in its JSON."""
