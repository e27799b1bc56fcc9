"""A catalogue of skills: nobody speaks of one that is not in it, and what is of no use is told."""

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError
from kak_server.config.warnings import warnings

BASE = """\
rooms: [{id: oslo, name: Oslo, positions: 2}]
queues:
  - id: q
    name: Q
    rooms: [oslo]
    skills: {emd: 3}
    preferred: {"113": 2}
    workflow: [{reach: own}, {after_ms: 9, drop: [emd]}]
operators: [{username: kari, name: Kari, password_hash: $argon2id$x, rooms: [oslo], skills: {emd: 5, lang-se: 4}}]
"""
SKILLS = """\
skills:
  - {id: emd, name: {nb: Nødmelding, en: Emergency calls}, description: Kurs og godkjenning}
  - {id: 113, name: {nb: Medisinsk nødtelefon}}
  - {id: lang-se, name: {nb: Nordsamisk, en: Northern Sami}}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    return [str(one) for one in caught.value.problems]


def test_without_a_catalogue_any_word_is_a_skill() -> None:
    settings = parse_settings(BASE)
    assert settings.skills == ()
    assert to_house_settings(settings).skills == ()
    assert warnings(settings) == []


def test_with_one_its_names_are_shown_the_english_ones_where_there_are_any() -> None:
    told = to_house_settings(parse_settings(BASE + SKILLS))
    assert [(one["skill"], one["name_nb"], one["name_en"], one["description"]) for one in told.skills] == [
        ("emd", "Nødmelding", "Emergency calls", "Kurs og godkjenning"),
        ("113", "Medisinsk nødtelefon", "Medisinsk nødtelefon", ""),
        ("lang-se", "Nordsamisk", "Northern Sami", ""),
    ]
    assert told.queues[0].skills == {"emd": 3}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("skills: {emd: 3}", "skills: {emd: 3, ger: 1}", ["line 6: queues[0].skills.ger"]),
        ('preferred: {"113": 2}', "preferred: {112: 2}", ["line 7: queues[0].preferred.112"]),
        ("skills: {emd: 5, lang-se: 4}", "skills: {emt: 5}", ["line 9: operators[0].skills.emt"]),
    ],
)
def test_a_skill_that_is_not_in_it_is_told_with_its_place(before: str, after: str, told: list[str]) -> None:
    assert before in BASE
    found = problems(BASE.replace(before, after) + SKILLS)
    name = told[0].rpartition(".")[2]
    assert found == [f"{one}: there is no skill {name} in the catalogue (skills)" for one in told]


def test_a_step_that_drops_one_that_is_not_in_it() -> None:
    found = problems(BASE.replace("drop: [emd]", "drop: [ems]") + SKILLS)
    assert "line 8: queues[0].workflow[1].drop[0]: there is no skill ems in the catalogue (skills)" in found


def test_an_id_is_used_once() -> None:
    assert problems(BASE + SKILLS + "  - {id: emd, name: {nb: Igjen}}\n") == [
        "line 14: skills[3].id: skill emd is used twice"
    ]


def test_what_nobody_has_or_needs_is_warned_of_but_callers_bring_languages() -> None:
    more = SKILLS + "  - {id: ger, name: {nb: Geriatri}}\n"
    assert warnings(parse_settings(BASE + more)) == [
        (("skills", 1), "nobody has skill 113"),
        (("skills", 3), "nobody has skill ger"),
        (("skills", 3), "no queue needs or prefers skill ger"),
    ]
    alone = BASE[: BASE.index("operators:")]
    assert warnings(parse_settings(alone + more)) == [(("skills", 3), "no queue needs or prefers skill ger")]
