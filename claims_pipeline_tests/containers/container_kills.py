"""Kills every service of the containers while an upload is under way, and stops them gently.

Line 10 of docs/reliability.md, in containers: nothing acknowledged is lost, nothing answered is
asked again, nothing comes twice.
"""

import json
import time
from dataclasses import dataclass

from claims_pipeline_tests.containers.callers import Caller, Worklist, make_worklists
from claims_pipeline_tests.containers.commands import Environment, compose, expect, run, say

# Rows of each upload: some seconds of asking, so that there is a middle to be killed in.
ROWS = 300
# At least so many rows are answered when the middle is reached.
_ANSWERED = 30
# Keycloak on a busy machine.
_BACK_WITHIN_S = 1200.0
_LANES, _THREADS, _CHECKPOINT = 2, 16, 32
_IN_FLIGHT = _LANES * (_THREADS + _CHECKPOINT)
_KILLED = 137


@dataclass(frozen=True, slots=True)
class Death:
    """A service, when it is killed, and how many calls may be asked again for it."""

    service: str
    early: bool
    asked_again: int


# Early: right after the API has said that it has the upload.
DEATHS = (
    Death("api", True, 0),
    Death("webserver", True, 0),
    Death("daemon", True, 0),
    Death("code", True, _IN_FLIGHT),
    Death("code", False, _IN_FLIGHT),
    Death("worker", False, _IN_FLIGHT),
    Death("redis", False, _IN_FLIGHT),
    Death("postgres", False, _IN_FLIGHT),
    Death("webserver", False, 0),
    Death("daemon", False, 0),
    Death("api", False, 0),
    Death("keycloak", False, 0),
    Death("proxy", False, 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """An upload that is under way, and what the payer had counted before it."""

    environment: Environment
    caller: Caller
    worklist: Worklist
    upload_id: str
    calls_before: int

    def wait_for_the_middle(self) -> None:
        """Until some rows are answered and others are not."""
        seen = self.caller.wait_for(
            self.upload_id, lambda seen: int(seen.get("processed_rows", 0)) >= _ANSWERED, "asked"
        )
        expect(seen["status"] == "PROCESSING", "the upload was over before its middle was seen")

    def with_outcome(self) -> dict[str, str]:
        """When each query that the payer has answered was settled."""
        rows = self._of_settled("id, settled_at").splitlines()
        return {query: at for query, _, at in (row.partition("|") for row in rows)}

    def end(self, settled: dict[str, str]) -> int:
        """Wait for the end and hold it to the promises; search calls beyond those needed."""
        self.caller.wait_for_end(self.upload_id)
        right = self.worklist.outcomes
        expect(self.caller.outcomes(self.upload_id) == right, "rows are answered wrongly")
        expect(settled.items() <= self.with_outcome().items(), "a settled query was asked again")
        needed = int(self._of_settled("coalesce(sum(pages), 0)"))
        return _search_calls(self.environment) - self.calls_before - needed

    def _of_settled(self, columns: str) -> str:
        """What an administrator of the database reads about the upload's settled queries."""
        # The id is the API's own.
        query = f"SELECT {columns} FROM queries WHERE state = 'settled' AND upload_id ="  # noqa: S608
        shell = (
            'PGPASSWORD="$(cat /run/secrets/postgres_password)" '
            f"psql -h 127.0.0.1 -U postgres -d claims -At -c \"{query} '{self.upload_id}'\""
        )
        in_postgres = ("exec", "--no-TTY", "postgres", "sh", "-ec")
        return compose(self.environment, *in_postgres, shell, output=True).strip()


def every_service_may_die(environment: Environment, caller: Caller) -> None:
    """One upload for each death, and one for a stop."""
    *worklists, last = make_worklists(environment, lists=len(DEATHS) + 1, rows=ROWS)
    for death, worklist in zip(DEATHS, worklists, strict=True):
        _die(death, _hand_in(environment, caller, worklist))
    _stop_and_go_on(_hand_in(environment, caller, last))


def _hand_in(environment: Environment, caller: Caller, worklist: Worklist) -> Handed:
    calls = _search_calls(environment)
    return Handed(
        environment=environment,
        caller=caller,
        worklist=worklist,
        upload_id=caller.upload(worklist),
        calls_before=calls,
    )


def _die(death: Death, handed: Handed) -> None:
    if not death.early:
        handed.wait_for_the_middle()
    settled = handed.settled()
    began = time.monotonic()
    _kill(handed.environment, death.service)
    again = handed.end(settled)
    took = time.monotonic() - began
    name = f"{death.service}, {'once acknowledged' if death.early else 'in the middle'}"
    expect(again <= death.asked_again, f"{name}: {again} calls were asked again")
    _wait_until_well(handed.environment, death.service)
    say(f"killed {name}: {len(settled)} answers kept, {again} calls again, over after {took:.0f} s")


def _stop_and_go_on(handed: Handed) -> None:
    """A deploy: who asks is stopped gently, lets calls that are out finish, and goes on later."""
    handed.wait_for_the_middle()
    asking = ("daemon", "worker", "code")
    began = time.monotonic()
    compose(handed.environment, "stop", *asking)
    took = time.monotonic() - began
    ended = {service: _exit_codes(handed.environment, service) for service in asking}
    expect(_KILLED not in set().union(*ended.values()), f"did not stop by themselves: {ended}")
    settled = handed.settled()
    compose(handed.environment, "up", "--detach", "--no-build", "--wait", "--wait-timeout", "900")
    again = handed.end(settled)
    expect(again == 0, f"{again} calls were asked again after a gentle stop")
    say(f"stopped in {took:.0f} s with {len(settled)} answers, and went on; no call again")


def _kill(environment: Environment, service: str) -> None:
    """End a container's first process, and with it all others, as a crash would.

    The engine takes its own `kill` for the wish of an operator, after which nothing is restarted.
    """
    container = compose(environment, "ps", "--quiet", service, output=True).split()[0]
    pid = run("docker", "inspect", "--format", "{{.State.Pid}}", container, output=True).strip()
    with_rights = ("docker", "run", "--rm", "--pid", "host", "--network", "none", "--user", "0")
    script = f"import os; os.kill({pid}, 9)"
    image = environment["CLAIMS_IMAGE"]
    run(*with_rights, "--entrypoint", "python", image, "-c", script)


def _wait_until_well(environment: Environment, service: str) -> None:
    began = time.monotonic()
    while True:
        listed = compose(environment, "ps", "--format", "json", service, output=True).splitlines()
        health = {one["Health"] for one in map(json.loads, listed)}
        if health == {"healthy"}:
            return
        expect(time.monotonic() - began < _BACK_WITHIN_S, f"{service} stays {health}")
        time.sleep(1)


def _exit_codes(environment: Environment, service: str) -> set[int]:
    listed = compose(environment, "ps", "--all", "--format", "json", service, output=True)
    return {int(one["ExitCode"]) for one in map(json.loads, listed.splitlines())}


def _search_calls(environment: Environment) -> int:
    """Searches that the sandbox has counted."""
    url = "http://127.0.0.1:8700/sandbox/stats"
    script = f"import urllib.request as u; print(u.urlopen('{url}', timeout=60).read().decode())"
    in_sandbox = ("exec", "--no-TTY", "sandbox", "python", "-c")
    stats = json.loads(compose(environment, *in_sandbox, script, output=True))
    return int(stats["calls"]["summary"])
