"""Somebody who hands worklists to the API of the containers and reads what comes back."""

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from claims_pipeline_tests.containers.commands import CheckFailedError, Environment, compose, expect
from claims_pipeline_tests.containers.page_users import access_token

_TIMEOUT_S = 60
_ENDS_WITHIN_S = 1800.0
# Of the five minutes that a token is good for.
_TOKEN_IS_USED_FOR_S = 200.0
# What a proxy or the API say while something behind them is away.
_AWAY = {500, 502, 503, 504}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """A CSV, and what is right for each of its rows."""

    content: bytes
    outcomes: tuple[str, ...]


def make_worklists(environment: Environment, *, lists: int, rows: int) -> list[Worklist]:
    """Worklists of the sandbox's people, no two with a row in common.

    Bad rows are left out: they would not be asked.
    """
    script = (
        "cd /tmp && claims-pipeline sandbox csv --shape=patients --seed=7 "
        f"--rows={lists * rows * 2} --answers=answers.csv >sample.csv && cat"
    )
    in_sandbox = ("exec", "--no-TTY", "sandbox", "sh", "-ec")
    sample = compose(environment, *in_sandbox, f"{script} sample.csv", output=True)
    answers = compose(environment, *in_sandbox, f"{script} answers.csv", output=True)
    header, *lines = csv.reader(io.StringIO(sample))
    right = [answer["outcome"] for answer in csv.DictReader(io.StringIO(answers))]
    usable = [
        (line, outcome) for line, outcome in zip(lines, right, strict=True) if outcome != "rejected"
    ]
    expect(len(usable) >= lists * rows, "the sandbox's sample has too many bad rows")
    return [
        _worklist(header, usable[number * rows : (number + 1) * rows]) for number in range(lists)
    ]


def _worklist(header: list[str], rows: list[tuple[list[str], str]]) -> Worklist:
    text = io.StringIO()
    csv.writer(text).writerows([header, *(line for line, _ in rows)])
    return Worklist(content=text.getvalue().encode(), outcomes=tuple(right for _, right in rows))


class Caller:
    """A user of the API, who comes again when it does not answer."""

    def __init__(self, api: str, sign_in: str, username: str) -> None:
        self._api = api
        self._sign_in = sign_in
        self._username = username
        self._token: tuple[str, float] | None = None

    def upload(self, worklist: Worklist) -> str:
        """Hand a worklist in, to be asked row by row; its id."""
        answer = requests.post(
            f"{self._api}/api/v1/claims/bulk/upload/",
            headers=self._bearer(),
            files={"file": ("worklist.csv", worklist.content, "text/csv")},
            data={"use_batch_query": "false"},
            timeout=_TIMEOUT_S,
        )
        expect(answer.status_code == 201, f"the upload is answered {answer.status_code}")
        return str(answer.json()["id"])

    def wait_for(
        self, upload_id: str, condition: Callable[[Mapping[str, Any]], bool], what: str
    ) -> Mapping[str, Any]:
        """The upload's progress, once it is as wanted."""
        began = time.monotonic()
        while not condition(progress := self._progress(upload_id)):
            expect(
                time.monotonic() - began < _ENDS_WITHIN_S,
                f"the upload is {progress.get('status')} and not {what}",
            )
            time.sleep(0.5)
        return progress

    def wait_for_end(self, upload_id: str) -> None:
        """Until the upload is over; it has to end well."""
        over = {"COMPLETED", "FAILED", "CANCELLED"}
        ended = self.wait_for(upload_id, lambda seen: seen.get("status") in over, "over")
        expect(ended["status"] == "COMPLETED", f"the upload ended {ended['status']}")

    def outcomes(self, upload_id: str) -> tuple[str, ...]:
        """The outcome of each row in order, from the results file."""
        answer = self._get(f"{upload_id}/download_results/")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        shown = Counter((line["row_number"], line["match_number"]) for line in lines)
        expect(max(shown.values()) == 1, "a claim is shown twice")
        return tuple(line["outcome"] for line in lines if line["primary"] == "Y")

    def _progress(self, upload_id: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._get(f"{upload_id}/progress/").json()
        return answer

    def _get(self, path: str) -> requests.Response:
        """An answer, however often it has to be asked for."""
        began = time.monotonic()
        said = "nothing"
        while time.monotonic() - began < _ENDS_WITHIN_S:
            try:
                answer = requests.get(
                    f"{self._api}/api/v1/claims/csv-jobs/{path}",
                    headers=self._bearer(),
                    timeout=_TIMEOUT_S,
                )
                answer.raise_for_status()
            except requests.HTTPError as error:
                if error.response.status_code not in _AWAY:
                    raise
                said = str(error.response.status_code)
            except requests.ConnectionError:
                said = "nothing"
            else:
                return answer
            time.sleep(1)
        raise CheckFailedError(f"the API, or who gives tokens for it, answers {said}")

    def _bearer(self) -> dict[str, str]:
        """A header with a token; the same one while it lasts, as Keycloak may be away."""
        now = time.monotonic()
        if self._token is None or now - self._token[1] > _TOKEN_IS_USED_FOR_S:
            self._token = (access_token(self._sign_in, self._username), now)
        return {"Authorization": f"Bearer {self._token[0]}"}
