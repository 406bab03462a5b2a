"""Reads a multipart form as it comes: small fields are kept, the file is handed on in pieces.

FastAPI's own reading would put the file into /tmp before anybody knows who sends it.
"""

import logging
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.receiving.file_names import clean_file_name

FILE_FIELD = "file"
_MOST_PARTS = 100
_LONGEST_VALUE = 1024
# A file may have many columns about which something is said.
_LONGEST_VALUES = {"column_map": 32 * 1024}
_MOST_HEADERS = 8
_LONGEST_HEADER = 4096

# It tells of malformed input by quoting it.
logging.getLogger("python_multipart.multipart").disabled = True


class FileSink(Protocol):
    """Takes the bytes of the form's file."""

    def begin(self) -> None:
        """The file begins."""
        ...

    def write(self, data: bytes) -> None:
        """Its next bytes."""
        ...

    def end(self) -> None:
        """It is complete."""
        ...


class FormReader:
    """A multipart body, fed piece by piece. `fields` and `file_name` hold what has come so far.

    `file_name` is cleaned; it and the fields may hold patients' data.
    """

    def __init__(self, content_type: str, sink: FileSink) -> None:
        """Take the request's Content-Type, which tells the boundary.

        Raises:
            ApiError: 415 `multipart_required`.

        """
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self._sink = sink
        self._parts = 0
        self._header_name = self._header_value = b""
        self._disposition = b""
        self._field: str | None = None
        self._value = bytearray()
        self._in_file = False
        self._has_ended = False
        self._parser = self._made_parser(content_type)

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            ApiError: 422 `form_invalid`, or what the sink raises.

        """
        try:
            self._parser.write(data)
        except FormParserError:
            raise _invalid("The form's parts cannot be told apart.") from None

    def finish(self) -> None:
        """No more will come.

        Raises:
            ApiError: 422 `form_incomplete` or `file_missing`.

        """
        if not self._has_ended:
            raise ApiError(422, "form_incomplete", "The form ends in the middle. Send it again.")
        if self.file_name is None:
            raise ApiError(422, "file_missing", f"Send the CSV in the part named {FILE_FIELD}.")

    def _made_parser(self, content_type: str) -> MultipartParser:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise _not_multipart()
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_name,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
                max_header_count=_MOST_HEADERS,
                max_header_size=_LONGEST_HEADER,
            )
        except FormParserError:
            raise _not_multipart() from None

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _invalid(f"The form has more than {_MOST_PARTS} parts.")
        self._disposition = b""

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", errors="replace")
        self._value.clear()
        self._in_file = name == FILE_FIELD and b"filename" in options
        self._field = None if self._in_file else name
        if self._in_file:
            if self.file_name is not None:
                raise ApiError(422, "one_file_only", "Send one file at a time.")
            self.file_name = clean_file_name(options[b"filename"])
            self._sink.begin()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._sink.write(data[start:end])
            return
        self._value += data[start:end]
        longest = _LONGEST_VALUES.get(self._field or "", _LONGEST_VALUE)
        if len(self._value) > longest:
            raise _invalid(f"A field holds more than {longest} bytes.")

    def _on_part_end(self) -> None:
        if self._in_file:
            self._sink.end()
        elif self._field is not None:
            if self._field in self.fields:
                raise _invalid("The form has the same field twice.")
            self.fields[self._field] = self._value.decode("utf-8", errors="replace")
        self._in_file, self._field = False, None

    def _on_end(self) -> None:
        self._has_ended = True


def _invalid(what: str) -> ApiError:
    return ApiError(422, "form_invalid", f"{what} Send multipart/form-data as browsers do.")


def _not_multipart() -> ApiError:
    return ApiError(415, "multipart_required", "Send the form as multipart/form-data.")
