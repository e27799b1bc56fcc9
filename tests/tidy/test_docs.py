"""Documents tell the truth about the tree: their relative links lead somewhere."""

import re

import pytest

from tests.tidy.source_tree import ROOT, tracked_files

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The names GitHub gives to the headings of a Markdown text."""
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


def broken_links(path: str, text: str) -> list[str]:
    problems = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue  # another site: not ours to check without a network
        file_part, _, anchor = target.partition("#")
        there = (ROOT / path).parent / file_part
        if not there.exists():
            problems.append(f"{path}: {target} leads nowhere")
        elif anchor and (not file_part or there.suffix == ".md"):
            headings = anchors(there.read_text(encoding="utf-8") if file_part else text)
            if anchor not in headings:
                problems.append(f"{path}: {target}: no such heading")
    return problems


def test_links_in_documents_resolve() -> None:
    documents = [path for path in tracked_files() if path.endswith(".md")]
    assert documents, "no document was found"
    found = [problem for path in documents for problem in broken_links(path, (ROOT / path).read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[gone](nowhere.md)", 1),
        ("[web](https://example.org/x)", 0),
        ("[here](#a-b)\n# A b\n", 0),
        ("[here](#missing)\n# A b\n", 1),
        ("```\n[gone](nowhere.md)\n```\n", 0),
        ("[self](README.md)", 0),
    ],
)
def test_broken_links_are_found(text: str, count: int) -> None:
    assert len(broken_links("README.md", text)) == count
