"""Amounts as American payers write them."""


def dollars(cents: int) -> str:
    """Cents as payers write amounts: two decimals, a point, no thousands mark."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
