"""A mail's HTML with its links made ours: each tells of its click, an image of the opening, and a
hidden link catches machines that follow everything.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape, unescape

from services.ingest.email_links import Link, Links, is_address

_ANCHOR = re.compile(r"<a\b[^>]*>", re.IGNORECASE)
_HREF = re.compile(r"""(\bhref\s*=\s*)("([^"]*)"|'([^']*)')""", re.IGNORECASE)
_END = re.compile(r"</body\s*>", re.IGNORECASE)
# People don't see it, and what reads the page aloud passes over it.
_TRAP = (
    '<a href="{url}" style="display:none;max-height:0;font-size:0" tabindex="-1" '
    'aria-hidden="true" rel="nofollow"></a>'
)
_IMAGE = '<img src="{url}" width="1" height="1" alt="" style="display:block">'


def with_our_links(html: str, base: str, links: Links, link: Link, *, trap: bool = True) -> str:
    """The mail. link: whose it is, and of which mail; its target is set for each link. Links that
    say data-leadscore="off", and such as mailto:, stay as they are. Raises ValueError.
    """

    def anchor(found: re.Match[str]) -> str:
        tag = found[0]
        if "data-leadscore=" in tag:
            return tag
        return _HREF.sub(address, tag, count=1)

    def address(found: re.Match[str]) -> str:
        target = unescape(found[3] if found[3] is not None else found[4] or "").strip()
        if not is_address(target):
            return found[0]
        url = links.url(base, replace(link, kind="click", target=target))
        return f'{found[1]}"{escape(url)}"'

    changed = _ANCHOR.sub(anchor, html)
    added = _IMAGE.format(url=escape(links.url(base, replace(link, kind="open", target=""))))
    if trap:
        url = links.url(base, replace(link, kind="trap", target=""))
        added = _TRAP.format(url=escape(url)) + added
    ends = [found.start() for found in _END.finditer(changed)]
    place = ends[-1] if ends else len(changed)
    return changed[:place] + added + changed[place:]
