"""What a reader does with the page, on real data and on hostile names."""

import pathlib
import urllib.parse

import pytest
import served
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

NOTE = "return document.querySelector('.note')?.textContent"


def variable(name, **more):
    parts = {"v": name, **more}
    return "#" + "&".join(f"{key}={urllib.parse.quote(value, safe='')}" for key, value in parts.items())


def text_of(browser, selector):
    return browser.settle(f"return document.querySelector({selector!r})?.textContent")


def painted(browser):
    """How many colours a canvas shows."""
    return browser.settle(
        """
        const canvas = document.querySelector(".frame canvas");
        if (!canvas || !canvas.width || !document.querySelector(".note")?.textContent
            && !document.querySelector(".figures")) return 0;
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const colours = new Set();
        for (let n = 0; n < data.length; n += 4) colours.add(data[n] << 16 | data[n + 1] << 8 | data[n + 2]);
        return colours.size > 1 ? colours.size : 0;
        """
    )


def test_the_first_variable_is_shown_and_the_tree_lists_all(page, tour):
    browser = page(tour)
    assert text_of(browser, "h1") == "tour.ach"
    assert "24 variables" in text_of(browser, "#figures")
    labels = browser.driver.execute_script(
        "return [...document.querySelectorAll('.row .label')].map((e) => e.textContent)"
    )
    assert "chelsea" in labels and "layer1." in labels
    assert browser.driver.execute_script("return location.hash").startswith("#v=")


def test_every_way_to_see_every_variable_draws_without_an_error(page, tour):
    browser = page(tour)
    names = ["chelsea", "wave", "cube", "spectrum", "nothing", "penguins", "history", "notes"]
    names += ["layer1.weight", "layer1.bias", "hyperparameters", "script"]
    for name in names:
        browser.driver.get(tour.url + variable(name))
        browser.settle("return document.querySelector('main h2')?.textContent === arguments[0]", name)
        browser.settle("return document.querySelector('.way > *')")
        for tab in browser.driver.find_elements(By.CSS_SELECTOR, ".tabs button"):
            tab.click()
            way = tab.get_attribute("data-way")
            browser.settle(f"return document.querySelector('.way-{way} > *')")
            if way in ("line", "heat", "image"):
                assert painted(browser) > 1, (name, way)
        assert not browser.driver.find_elements(By.CSS_SELECTOR, ".failure"), name


def test_an_image_has_its_own_colours(page, tour):
    browser = page(tour, variable("chelsea"))
    assert painted(browser) > 1000
    assert "cold" in text_of(browser, ".sizes")
    browser.settle("return document.querySelector('.attributes dd')?.textContent === 'CC0 1.0'")


def test_a_closer_look_asks_again_and_not_for_everything(page, tour):
    browser = page(tour, variable("wave"))
    browser.settle(f"return ({NOTE.removeprefix('return ')} ?? '').includes('of 200,000')")
    note = browser.driver.execute_script(NOTE)
    assert "1 NaN" in note and "1 infinite" in note and "least and greatest" in note
    browser.asked_for()
    canvas = browser.driver.find_element(By.CSS_SELECTOR, ".frame canvas")
    ActionChains(browser.driver).move_to_element_with_offset(canvas, -100, 0).click_and_hold().move_by_offset(
        60, 0
    ).release().perform()
    browser.settle(f"return !({NOTE.removeprefix('return ')}).includes('elements 0 to')")
    asked = [address for address in browser.asked_for() if "api/line" in address]
    assert asked and all("from=" in address and "pixels=" in address for address in asked)
    for _ in range(14):
        canvas.send_keys("+")
    browser.settle(f"return !({NOTE.removeprefix('return ')}).includes('least and greatest')")
    canvas.send_keys("0")
    browser.settle(f"return ({NOTE.removeprefix('return ')}).includes('elements 0 to 199,999')")


def test_numbers_that_are_none_are_gaps_and_counted(page, tour):
    browser = page(tour, variable("nothing", way="heat"))
    browser.settle(f"return ({NOTE.removeprefix('return ')} ?? '').includes('100 NaN')")
    assert "no finite number" in browser.driver.execute_script(NOTE)
    browser.driver.get(tour.url + variable("nothing", way="line"))
    browser.settle(f"return ({NOTE.removeprefix('return ')} ?? '').includes('no finite number')")


def test_axes_of_a_cube_are_chosen_and_slid_along(page, tour):
    browser = page(tour, variable("cube", way="heat"))
    painted(browser)
    before = browser.driver.execute_script(NOTE)
    assert "0 to 599" in before
    browser.driver.execute_script(
        """
        const slider = document.querySelector(".sliders input[type=range]");
        slider.value = 3;
        slider.dispatchEvent(new Event("input"));
        """
    )
    browser.settle(f"return ({NOTE.removeprefix('return ')}).includes('1800 to 2399')")
    browser.driver.execute_script(
        """
        const select = document.querySelector("select[data-role=down]");
        select.value = "0";
        select.dispatchEvent(new Event("change"));
        """
    )
    browser.settle(f"return ({NOTE.removeprefix('return ')}).includes('0 to 1819')")


def test_tables_are_paged(page, tour):
    browser = page(tour, variable("penguins"))
    browser.settle("return document.querySelectorAll('tbody tr').length === 100")
    assert "rows 0 to 99 of 344" in text_of(browser, ".pager")
    browser.driver.find_element(By.CSS_SELECTOR, ".pager button[title='Last rows']").click()
    browser.settle("return document.querySelector('.pager').textContent.includes('of 344') && document.querySelector('tbody th').textContent === '244'")
    assert browser.driver.find_elements(By.CSS_SELECTOR, "tbody td.numeric")
    browser.driver.find_element(By.LINK_TEXT, "body_mass_g").click()
    browser.settle("return document.querySelector('main h2')?.textContent === 'penguins.body_mass_g'")
    assert painted(browser) > 1


def test_the_search_is_reached_by_a_key_and_finds_names(page, tour):
    browser = page(tour)
    body = browser.driver.find_element(By.TAG_NAME, "body")
    body.send_keys("/")
    field = browser.driver.switch_to.active_element
    assert field.get_attribute("id") == "search"
    field.send_keys("bias")
    browser.settle("return document.querySelectorAll('.row.leaf').length === 3")
    field.send_keys(Keys.ENTER)
    browser.settle("return document.querySelector('main h2')?.textContent === 'layer1.bias'")
    field.send_keys("zzz")
    browser.settle("return document.querySelector('#tree .empty')")
    field.send_keys(Keys.ESCAPE)
    browser.settle("return document.querySelectorAll('.row').length > 5")


def test_the_tree_is_walked_with_the_keyboard(page, tour):
    browser = page(tour, variable("chelsea"))
    browser.driver.execute_script("document.querySelector('.row[tabindex=\"0\"]').focus()")
    active = lambda: browser.driver.switch_to.active_element
    assert "chelsea" in active().text
    active().send_keys("l")
    assert "layer1." in active().text
    active().send_keys(Keys.ARROW_RIGHT)
    browser.settle("return document.activeElement.getAttribute('aria-expanded') === 'true'")
    browser.settle("return document.querySelector('.row[aria-level=\"2\"]')")
    active().send_keys(Keys.ARROW_RIGHT)
    assert active().get_attribute("aria-level") == "2"
    active().send_keys(Keys.ENTER)
    browser.settle("return document.querySelector('main h2')?.textContent === 'layer1.bias'")
    active().send_keys(Keys.ARROW_LEFT)
    active().send_keys(Keys.ARROW_LEFT)
    browser.settle("return !document.querySelector('.row[aria-level=\"2\"]')")


def test_an_address_leads_to_a_part_of_a_value(page, tour):
    browser = page(tour, variable("hyperparameters", p="3"))
    browser.settle("return document.querySelector('main h2')?.textContent === 'hyperparameters.optimizer'")
    browser.settle("return document.querySelector('.part-label')")
    # The groups around a variable are opened.
    browser.driver.get(tour.url + variable("layer2.weight"))
    browser.settle("return document.querySelector('.row[aria-selected=true]')?.textContent.includes('weight')")


def test_parts_are_opened_level_by_level(page, tour):
    browser = page(tour, variable("hyperparameters"))
    browser.settle("return document.querySelectorAll('.part').length === 6")
    browser.driver.find_element(By.CSS_SELECTOR, ".twist-button").click()
    browser.settle("return document.querySelectorAll('.parts .parts .part').length > 2")


def test_the_layout_tells_whose_bytes_are_where(page, tour):
    browser = page(tour, "#page=layout")
    browser.settle("return document.querySelectorAll('.map .cell').length === 1024")
    cells = browser.driver.find_elements(By.CSS_SELECTOR, ".map .part-c")
    ActionChains(browser.driver).move_to_element(cells[len(cells) // 2]).perform()
    browser.settle("return document.querySelector('.map-said a')?.textContent === 'chelsea'")
    browser.driver.find_element(By.CSS_SELECTOR, ".map-said a").click()
    browser.settle("return document.querySelector('main h2')?.textContent === 'chelsea'")


@pytest.mark.parametrize("fragment", ["", "#page=file", "#page=layout", "#page=history"])
def test_hostile_names_stay_text(page, hostile, fragment):
    browser = page(hostile, fragment)
    browser.settle("return document.querySelectorAll('.row').length > 10")
    browser.driver.execute_script("document.querySelector('.row.group')?.click()")
    browser.settle("return document.querySelector('.row[aria-level=\"2\"]')")
    nothing_came_alive(browser)


def nothing_came_alive(browser):
    """Nothing of the file became a part of the page, and its title is the page's own."""
    found = browser.driver.execute_script(
        """
        return [...document.querySelectorAll("img, script:not([src='./main.js']), svg, iframe, b, i:not(.cell), [onerror], [onload]")]
            .map((element) => element.outerHTML.slice(0, 200));
        """
    )
    assert found == []
    assert "broken" != browser.driver.title
    text = browser.driver.execute_script("return document.body.textContent")
    assert not any(mark in text for mark in ["\u202e", "\u001b", "\u0000"])


@pytest.mark.parametrize("name", [name for name in served.HOSTILE if name != ""] + ["fields", "rows"])
def test_hostile_values_stay_text(page, hostile, name):
    browser = page(hostile, variable(name))
    browser.settle("return document.querySelector('.way > *')")
    for tab in browser.driver.find_elements(By.CSS_SELECTOR, ".tabs button"):
        tab.click()
        browser.settle("return document.querySelector('.way > *')")
        nothing_came_alive(browser)
    width = browser.driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert width <= 0, "a long name pushes the page aside"
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".failure")


def test_damage_is_told_where_it_is_and_nowhere_else(page, tmp_path):
    server = served.Served(served.damaged(tmp_path))
    browser = page(server, variable("layer1.weight"))
    assert "checksum" in text_of(browser, ".failure")
    browser.driver.get(server.url + variable("layer2.weight"))
    browser.settle("return document.querySelector('main h2')?.textContent === 'layer2.weight'")
    assert painted(browser) > 1
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".failure")
    server.stop()


def test_a_changed_file_is_told_and_reloaded(page, tmp_path):
    path = served.tour(tmp_path)
    server = served.Served(path)
    browser = page(server, variable("chelsea"))
    (tmp_path / "other.json").write_text('{"only": [1, 2, 3]}')
    served.ach("pack", "--force", "-o", path, "other.json", folder=tmp_path)
    browser.settle("return document.querySelector('#notice:not([hidden]) button')")
    assert painted(browser) > 1000
    browser.driver.find_element(By.CSS_SELECTOR, "#notice button").click()
    browser.settle("return document.querySelector('#notice').hidden")
    browser.settle("return document.querySelectorAll('.row').length === 1")
    browser.settle("return document.querySelector('.failure')?.textContent.includes('no variable')")
    pathlib.Path(path).unlink()
    browser.settle("return document.querySelector('#notice').textContent.includes('gone')")
    server.stop()


def test_a_session_shows_its_commits(page, tmp_path):
    path = served.tour(tmp_path)
    for number in range(3):
        served.ach("set", path, f"rate={number}", "--keep-history", folder=tmp_path)
    served.ach("mark", path, "good", folder=tmp_path)
    server = served.Served(path)
    browser = page(server, "#page=history")
    browser.settle("return document.querySelectorAll('.commits tbody tr').length === 4")
    assert "mark good" in text_of(browser, ".commits tbody tr")
    server.stop()


@pytest.mark.parametrize("fragment", [variable("chelsea"), variable("penguins"), "#page=layout", "#page=file"])
def test_a_narrow_window_shows_all(page, tour, fragment):
    browser = page(tour, fragment, width=400)
    browser.settle("return document.querySelector('main h2')")
    browser.settle("return document.documentElement.scrollWidth <= 400")
    assert not browser.driver.find_element(By.ID, "side").is_displayed()
    browser.driver.find_element(By.ID, "menu").click()
    assert browser.driver.find_element(By.ID, "side").is_displayed()
    browser.driver.find_element(By.CSS_SELECTOR, ".row.leaf").click()
    browser.settle("return getComputedStyle(document.getElementById('side')).display === 'none'")


def test_the_dark_page_is_dark(page, tour):
    browser = page(tour, variable("wave"))
    browser.scheme("dark")
    back = browser.settle("return getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in back.strip("rgb()").split(",")) < 150
