"""Pages of a list: by offset, by keyset, by signed cursor, and the links between them."""

from sim.policies.paging.cursor import Cursor, PlainCursors, SignedCursors
from sim.policies.paging.link import FollowLinks, Link, build_links, link_to, parse_links
from sim.policies.paging.pages import Page, PageQuery, PageRules, Sort, page_of, select

__all__ = [
    "Cursor",
    "FollowLinks",
    "Link",
    "Page",
    "PageQuery",
    "PageRules",
    "PlainCursors",
    "SignedCursors",
    "Sort",
    "build_links",
    "link_to",
    "page_of",
    "parse_links",
    "select",
]
