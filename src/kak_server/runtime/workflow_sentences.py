"""What a workflow does for a contact beside asking people, in sentences."""

from collections.abc import Mapping

from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_server.runtime.phrases import Said


def sentence_of(effect: api.Announce | api.OverflowOut | api.Standby, names: Mapping[OperatorId, str]) -> Said:
    """One effect's."""
    match effect:
        case api.Announce(prompt=prompt, place=place):
            told = f", and that it is number {place} in the queue" if place else ""
            sagt = f", og at den er nummer {place} i køen" if place else ""
            return Said(
                f"A step of the workflow: the caller is to hear {prompt}{told}."
                " Whether it could be played the journal does not tell.",
                f"Et trinn i arbeidsflyten: innringeren skal høre {prompt}{sagt}."
                " Om den lot seg spille, sier ikke journalen.",
            )
        case api.OverflowOut(number=number):
            return Said(
                f"A step of the workflow: {number} is called for the caller, who leaves the queue.",
                f"Et trinn i arbeidsflyten: {number} ringes for innringeren, som forlater køen.",
            )
        case api.Standby(operator=operator):
            return Said(
                f"{names[operator]} answered second and stands by until the first is joined.",
                f"{names[operator]} svarte som nummer to og er i beredskap til den første er koblet opp.",
            )


def known_of(event: api.ContactDescribed) -> Said:
    """What has become known of a contact that is here."""
    en, nb = [], []
    if event.area is not None:
        en.append(f"municipality {event.area or 'unknown'}")
        nb.append(f"kommune {event.area or 'ukjent'}")
    if event.language is not None:
        en.append(f"language {event.language or 'unknown'}")
        nb.append(f"språk {event.language or 'ukjent'}")
    if event.kind is not None:
        en.append(f"kind {event.kind}")
        nb.append(f"type {event.kind}")
    return Said(f"More is known of it now: {', '.join(en)}.", f"Mer er kjent om den nå: {', '.join(nb)}.")
