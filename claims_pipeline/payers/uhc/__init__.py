"""UnitedHealthcare's claims API (API Marketplace REST)."""
