"""One browser for all tests, and servers that are stopped."""

import pytest

import chromium
import served


@pytest.fixture(scope="session")
def browser():
    browser = chromium.Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def tour(tmp_path_factory):
    server = served.Served(served.tour(tmp_path_factory.mktemp("tour")))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    server = served.Served(served.hostile(tmp_path_factory.mktemp("hostile")))
    yield server
    server.stop()


@pytest.fixture
def page(browser, request):
    """Opens an address, and sees afterwards that nothing went wrong that nobody looked for."""
    opened = []

    def open_page(server, fragment="", width=1280):
        browser.size(width, 860)
        browser.scheme("light")
        browser.driver.get("about:blank")
        browser.asked_for()
        browser.logged()
        opened.append(server.url)
        browser.driver.get(server.url + fragment)
        browser.settle("return document.querySelector('.row') && document.querySelector('main h2, main .failure')")
        return browser

    yield open_page
    browser.settle("return !document.querySelector('button.more:disabled')")
    assert browser.logged() == []
    for address in browser.asked_for():
        assert address.startswith(tuple(opened)) or address == "about:blank", address
