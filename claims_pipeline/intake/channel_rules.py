"""What a row must have for the channel through which its payer is asked."""

from collections.abc import Mapping, Sequence
from datetime import date

from claims_pipeline.intake.context import ChannelRules
from claims_pipeline.intake.parsing import ParsedColumns
from claims_pipeline.intake.schema import Fault
from claims_pipeline.model import ListedPayer

_CODE = "required_by_payer"
_TOO_OLD = Fault(column="last_service_date", code="service_date_too_old")


class RulesOfPayers:
    """Each payer's rules; those of most channels ask for nothing, and take no time then."""

    def __init__(
        self,
        payers: Sequence[ListedPayer],
        rules: Mapping[str, ChannelRules],
        *,
        oldest_day: date,
    ) -> None:
        """Take the rules by channel; `oldest_day` is held for all rows already."""
        self._rules = {
            payer.payer: found
            for payer in payers
            if (found := rules.get(payer.channel))
            and (found.needs or found.oldest_day > oldest_day)
        }

    def faults(
        self, parsed: ParsedColumns, known: Mapping[int, Sequence[Fault]]
    ) -> dict[int, list[Fault]]:
        """What else is wrong, by position, with rows of which nothing is wrong so far."""
        if not self._rules:
            return {}
        found: dict[int, list[Fault]] = {}
        for position, payer in enumerate(parsed.payers):
            rules = self._rules.get(payer.payer)
            if rules is not None and position not in known:
                faults = _of_row(parsed, position, rules)
                if faults:
                    found[position] = faults
        return found


def _of_row(parsed: ParsedColumns, position: int, rules: ChannelRules) -> list[Fault]:
    faults = [
        Fault(column=column, code=_CODE)
        for column in sorted(rules.needs)
        if not _has(parsed, position, column)
    ]
    last = parsed.lasts[position].day or parsed.firsts[position].day
    if last is not None and last < rules.oldest_day:
        faults.append(_TOO_OLD)
    return faults


def _has(parsed: ParsedColumns, position: int, column: str) -> bool:
    if parsed.texts[column][position]:
        return True
    practice = parsed.practices[position].practice
    # Who billed is known of the practice, too.
    return column == "npi" and practice is not None and practice.npi is not None
