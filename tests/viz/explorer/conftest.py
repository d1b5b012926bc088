"""Pages in a browser that all tests of the explorer share: `chromium`, and `visit`, which opens one."""

import itertools

import pytest
from browser import opened


@pytest.fixture
def visit(chromium, tmp_path):
    """visit(page, link="", **options): the page, opened."""
    count = itertools.count()

    def visit(page, link="", **options):
        path = tmp_path / f"page{next(count)}.html"
        page.save(path)
        return opened(chromium, path, link, **options)

    return visit
