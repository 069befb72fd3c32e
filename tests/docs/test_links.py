"""Every link of README, docs/ and the other pages leads somewhere; of external ones only the form is checked."""

from urllib.parse import urlsplit

import pytest
from markdown_pages import PAGES, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            assert parts.scheme == "https" and "." in parts.netloc and " " not in link, link
            continue
        target = (ROOT / page).parent / parts.path if parts.path else ROOT / page
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(str(target.resolve().relative_to(ROOT))), link


def test_the_pages_of_the_site_are_there():
    assert {"README.md", "docs/index.md", "docs/how-to/own-folder.md", "docs/reference/commands.md"} <= set(PAGES)
