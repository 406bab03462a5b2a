"""What tells the header of one export from that of another."""

from collections.abc import Sequence
from hashlib import sha256


def header_digest(names: Sequence[str]) -> str:
    """A digest of the set of a header's names, whatever their order, case and outer blanks."""
    plain = {name.strip("\ufeff\u200b \t\r\n").casefold() for name in names} - {""}
    return sha256("\x1f".join(sorted(plain)).encode(errors="surrogatepass")).hexdigest()
