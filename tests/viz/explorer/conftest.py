"""Pages in a browser that all tests of the explorer share: `chromium`, and `visit`, which opens one."""

import itertools

import pytest
from browser import chromium, opened  # noqa: F401 (the fixture)


@pytest.fixture
def visit(chromium, tmp_path):  # noqa: F811
    """visit(page, link="", **options): the page, opened."""
    count = itertools.count()

    def visit(page, link="", **options):
        path = tmp_path / f"page{next(count)}.html"
        page.save(path)
        return opened(chromium, path, link, **options)

    return visit
