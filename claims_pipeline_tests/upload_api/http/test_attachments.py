"""Names of files that are handed back, whatever the client once called them."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from claims_pipeline.upload_api.http.attachments import attachment, content_disposition

_FORM = re.compile(r"""attachment; filename="([ -~]*)"; filename\*=UTF-8''([A-Za-z0-9%._~-]+)""")


@pytest.mark.parametrize(
    ("name", "saved_as"),
    [
        ("worklist.csv", "worklist.results.csv"),
        ("March 2026.final.CSV", "March 2026.final.results.csv"),
        ("März Zoë.csv", "März Zoë.results.csv"),
        ("病歴.csv", "病歴.results.csv"),
        ("../../etc/passwd", "_.._etc_passwd.results.csv"),
        ("C:\\temp\\a.csv", "C__temp_a.results.csv"),
        ('a"; filename="b.exe', "a__ filename=_b.results.csv"),
        ("a\r\nSet-Cookie: b=c.csv", "aSet-Cookie_ b=c.results.csv"),
        ("a\x00b.csv", "ab.results.csv"),
        ("invoice\u202egpj.csv", "invoicegpj.results.csv"),
        ("100%41.csv", "100_41.results.csv"),
        ("a\ud800b.csv", "ab.results.csv"),
        ("", "upload.results.csv"),
        ("...", "upload.results.csv"),
        (".csv", "upload.results.csv"),
        ("a" * 300 + ".csv", "a" * 120 + ".results.csv"),
        ("é" * 300 + ".csv", "é" * 120 + ".results.csv"),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_harmless(name: str, saved_as: str) -> None:
    header = content_disposition(name, ".results.csv")
    found = _FORM.fullmatch(header)
    assert found is not None, header
    assert unquote(found[2]) == saved_as
    assert found[1] == "".join(c if c.isascii() else "_" for c in saved_as)


def test_what_goes_wrong_before_the_first_piece_is_raised_at_once() -> None:
    def failing() -> Iterator[bytes]:
        raise OSError("no such file")
        yield b""

    with pytest.raises(OSError, match="no such file"):
        attachment(failing(), media_type="text/csv", file_name="a.csv", ending=".csv")
