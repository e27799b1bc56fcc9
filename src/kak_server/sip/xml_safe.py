"""XML from strangers: no entities, no document type, no network, bounded size and depth."""

from lxml import etree

MAX_BYTES = 32_768


def read_xml(data: bytes, max_bytes: int = MAX_BYTES) -> etree._Element:
    """The root element. Raises ValueError, with words for a person, for anything that is not plain XML in bounds."""
    if len(data) > max_bytes:
        raise ValueError("document too large")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise ValueError(f"not well-formed: {one_line(str(problem), 120)}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a document type in the document")
    return root


def local_name(node: etree._Element) -> str:
    """The element's name without its namespace; "" for a comment or processing instruction."""
    tag = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def own_text(node: etree._Element | None, limit: int = 200) -> str:
    """An element's own text in one line, at most `limit` characters."""
    return one_line((node.text or "")[: 4 * limit], limit) if node is not None else ""


def one_line(text: str, limit: int) -> str:
    """What a stranger wrote, fit to be shown: printable, in one line, at most `limit` characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]
