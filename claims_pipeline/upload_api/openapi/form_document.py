"""The upload form for the OpenAPI document, which does not see what is read from a stream."""

from typing import Any

from claims_pipeline.model import DEFAULT_PAYER, DetailLevel
from claims_pipeline.upload_api.receiving.multipart import FILE_FIELD

_DATE = "MM/DD/YYYY or YYYY-MM-DD; empty is as absent."

FORM_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FILE_FIELD],
                    "properties": {
                        FILE_FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "The CSV or .xlsx workbook, with a file name.",
                        },
                        "provider": {
                            "type": "string",
                            "default": DEFAULT_PAYER,
                            "description": "The payer, in any case.",
                        },
                        "use_batch_query": {
                            "type": "string",
                            "enum": ["true", "false", "1", "0", "yes", "no", "on", "off"],
                            "default": "true",
                            "description": "Whether one search may ask for a whole practice.",
                        },
                        "start_date": {
                            "type": "string",
                            "description": f"Searched from, for rows without dates. {_DATE}",
                        },
                        "end_date": {
                            "type": "string",
                            "description": f"Searched to, for rows without dates. {_DATE}",
                        },
                        "detail_level": {
                            "type": "string",
                            "enum": [level.value for level in DetailLevel],
                            "default": DetailLevel.REASONS.value,
                        },
                        "follow_up": {
                            "type": "string",
                            "enum": ["true", "false", "1", "0", "yes", "no", "on", "off"],
                            "description": (
                                "Whether the claims are asked again until they are final. Without "
                                "it, as the organization has it."
                            ),
                        },
                        "column_map": {
                            "type": "string",
                            "description": (
                                "A JSON object of column names of the file, each with the column "
                                "that it is, or with ignore. Remembered for files with the same "
                                "set of columns."
                            ),
                        },
                    },
                },
                "encoding": {FILE_FIELD: {"contentType": "text/csv"}},
            }
        },
    }
}
