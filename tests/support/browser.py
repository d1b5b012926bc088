"""A headless Chromium that opens one page at a time and remembers what went wrong in it.

It needs the Python package playwright and a Chromium of the system; `chromium` skips the tests that
ask for it, with the reason, where one of them is missing.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium():
    """A running browser."""
    driver = pytest.importorskip("playwright.sync_api", reason="the driver is missing: pip install playwright")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with driver.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(chromium, path, link="", **options):
    """The page in the file `path`; after the test: no error, no message, no dialog, and no request but for the file."""
    context = chromium.new_context(**{"viewport": {"width": 1400, "height": 800}, **options})
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    address = path.as_uri()
    page.on(
        "request", lambda request: request.url.startswith((address, "blob:")) or wrong.append(f"request: {request.url}")
    )
    try:
        page.goto(address + link)
        if page.locator("#packed").count():
            page.wait_for_function("document.getElementById('summary').textContent")  # data and script are unpacked
        yield page
        assert wrong == []
    finally:
        context.close()
