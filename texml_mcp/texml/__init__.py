"""TeXML documents: what may stand in one, what is wrong with it, what it does and whom it reaches."""

from texml_mcp.texml.lint import lint
from texml_mcp.texml.model import Element, Finding, ParseError, Report, Target
from texml_mcp.texml.parse import parse
from texml_mcp.texml.summary import describe
from texml_mcp.texml.targets import targets
from texml_mcp.texml.verbs import AS_OF, VERBS
from texml_mcp.texml.vocabulary import Attribute, Verb

__all__ = [
    "AS_OF",
    "VERBS",
    "Attribute",
    "Element",
    "Finding",
    "ParseError",
    "Report",
    "Target",
    "Verb",
    "describe",
    "lint",
    "parse",
    "targets",
]
