"""What a strategy looks at in one operator, in words: the key by which the core ranks, as people say it."""

from kak_server.routing.api import Strategy
from kak_server.routing.needs import Skills
from kak_server.routing.state import Contact, Operator, State
from kak_server.runtime.naming import IDS, Names, listed
from kak_server.runtime.phrases import Said

NONE = Said("", "")


def merit_of(state: State, contact: Contact, operator: Operator, names: Names = IDS) -> Said:
    """Beside the idle time, which decides among equals; `NONE` where nothing else counts."""
    parts = [_by_strategy(state, contact, operator, names), _wishes(contact, operator, names)]
    said = [part for part in parts if part is not NONE]
    return Said(", ".join(part.en for part in said), ", ".join(part.nb for part in said)) if said else NONE


def _by_strategy(state: State, contact: Contact, operator: Operator, names: Names) -> Said:
    strategy = contact.need.strategy
    if contact.named == operator.operator:
        if strategy is Strategy.STICKY:
            return Said("talked with this caller last", "snakket sist med innringeren")
        return Said("named by the step", "navngitt i trinnet")
    if strategy is Strategy.MOST_SKILLED:
        return _levels(operator, (*contact.need.line.profile.skills, *_preferred(contact)), names)
    if strategy is Strategy.LEAST_OCCUPIED:
        on_ms = max(1, operator.idle_since_ms - operator.signed_in_at_ms)
        percent = operator.busy_ms * 1_000 // on_ms / 10
        return Said(f"busy {percent:g} % of the time", f"opptatt {percent:g} % av tiden")
    if strategy is Strategy.ROUND_ROBIN:
        if not operator.last_offer:
            return Said("not asked since sign-in", "ikke spurt siden innlogging")
        ago = state.offers_made - operator.last_offer
        return Said(f"asked {ago} offers ago", f"spurt for {ago} tilbud siden")
    return NONE


def _levels(operator: Operator, skills: Skills, names: Names) -> Said:
    levels = {skill: operator.skills.get(skill, 0) for skill, _ in skills}
    each = names.levels(levels.items())
    total = sum(operator.skills.get(skill, 0) for skill, _ in skills)
    return Said(f"levels {total} ({each.en})", f"nivå {total} ({each.nb})") if levels else NONE


def _wishes(contact: Contact, operator: Operator, names: Names) -> Said:
    """Skills that are preferred come before the strategy, but where most skilled is asked first."""
    preferred = _preferred(contact)
    if not preferred or contact.need.strategy is Strategy.MOST_SKILLED:
        return NONE
    met = [names.skill(skill) for skill, level in preferred if operator.skills.get(skill, 0) >= level]
    they = listed(met)
    en, nb = (f" ({they.en})", f" ({they.nb})") if met else ("", "")
    count = f"{len(met)}/{len(preferred)}"
    return Said(f"{count} preferred skills{en}", f"{count} ønskede kompetanser{nb}")


def _preferred(contact: Contact) -> Skills:
    """What the contact's benches prefer."""
    return contact.need.benches[0][0].preferred if contact.need.benches else ()
