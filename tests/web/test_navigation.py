"""The navigation: a few lines for everybody, the rest in groups that open; nothing is lost, the place is marked."""

import re

import pytest

from biobank.access.permissions import ROLES
from biobank.web import navigation
from biobank.web.navigation import NavItem
from tests import people

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

#: Lines and closed groups that somebody has to look through.
MOST = 8


def rail(browser, path="/"):
    """The navigation beside a page; the other one, of telephones, holds the same."""
    page = browser.get(path).text
    whole = re.search(r'<nav class="rail".*?</nav>', page, re.DOTALL)[0]
    small = re.search(r'<nav class="menu-panel".*?</nav>', page, re.DOTALL)[0]
    assert addresses(small) == addresses(whole)
    return whole


def addresses(text):
    return re.findall(r'<a href="([^"]+)"', text)


def marked(text):
    return re.findall(r'<a href="([^"]+)" aria-current="page"', text)


def closed(text):
    """What shows while no group is open."""
    return re.sub(r"(</summary>).*?</details>", r"\1</details>", text, flags=re.DOTALL)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_everybody_sees_a_few_lines_and_reaches_all_that_they_may_open(app, role):
    browser = people.browser(app, role)
    shown = rail(browser)

    few = closed(shown)
    assert len(addresses(few)) + few.count("<summary>") <= MOST
    assert len(set(addresses(shown))) == len(addresses(shown))
    with app.app_context():
        may = people.actor(role)
    with app.test_request_context():
        mine = [item for item in navigation._items if item.permission is None or may.may(item.permission)]
        assert {navigation._address("", item.endpoint) for item in mine} == set(addresses(shown))
    assert all(browser.get(address).status_code == 200 for address in addresses(shown))


def test_the_group_of_the_page_is_open_and_the_page_is_marked(app):
    browser = people.browser(app, "technician")

    for path, group, line in (("/containers", "Storage", "/containers"), ("/board/new", "Bench", "/board")):
        shown = rail(browser, path)
        opened = re.findall(r"<details[^>]* open><summary>.*?<span>(.*?)</span>", shown, re.DOTALL)
        assert (opened, marked(shown)) == ([group], [line])
    assert marked(rail(browser)) == ["/"]


def test_a_group_with_one_line_for_somebody_is_that_line(app):
    assert "<details" not in rail(people.browser(app, "researcher"))
    assert "/reports/throughput" in addresses(closed(rail(people.browser(app, "technician"))))


def test_a_feature_cannot_bring_a_line_for_a_group_that_there_is_not(app):
    with pytest.raises(ValueError, match="no group 'elsewhere'"):
        navigation.register([NavItem("bench.home", "Home", "home", None, 0, "elsewhere")])
