"""The pictures of the overview: rows by outcome, dollars by claim status. Pure."""

from dataclasses import dataclass

from markupsafe import Markup

from claims_pipeline.model import Outcome
from claims_pipeline.upload_api.pages.upload.chart import Bars, Part, Series, grouped_bars, strip
from claims_pipeline.upload_api.pages.upload.worklist import Worklist
from claims_pipeline.upload_api.pages.wording import dollars

_MOST_STATUSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Two pictures; each is empty where there is nothing to draw."""

    outcomes: Markup
    dollars: Markup


def breakdown_of(worklist: Worklist) -> Breakdown:
    """The pictures of what the worklist adds up."""
    return Breakdown(
        outcomes=strip(
            [
                Part(word=line.word, number=line.rows, colour=outcome_colour(line.outcome))
                for line in worklist.outcomes
            ],
            title="Rows by outcome",
        ),
        dollars=grouped_bars(
            [
                Bars(
                    word=line.word,
                    amounts=(line.charged, line.allowed, line.paid),
                    texts=tuple(map(dollars, (line.charged, line.allowed, line.paid))),
                )
                for line in worklist.statuses[:_MOST_STATUSES]
            ],
            [
                Series(word="Charged", colour="bar-charged"),
                Series(word="Allowed", colour="bar-allowed"),
                Series(word="Paid", colour="bar-paid"),
            ],
            title="Dollars by claim status",
        ),
    )


def outcome_colour(outcome: Outcome | None) -> str:
    """The class of the style sheet in whose colour an outcome is drawn."""
    return "part-open" if outcome is None else f"part-{outcome.value.replace('_', '-')}"
