"""Checks the page's keyboard navigation and accessibility, and takes screenshots."""

import io

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from browser import until
from speaking import SHORT, spoken

SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
THEMES = ["light", "dark"]


def keyboard(browser, given) -> None:
    """all controls are reached by the tab key, with a visible focus mark, and Ctrl+Enter speaks"""
    with browser.visit(given.open) as visit:
        page = visit.page
        spoken(page, SHORT)
        page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true)); document.activeElement.blur(); window.scrollTo(0, 0)")
        reached = []
        for _ in range(120):
            page.keyboard.press("Tab")
            name, outline = page.evaluate("""() => {
              const place = document.activeElement, marked = place.matches("input[type=file]") ? place.previousElementSibling : place.id === "text" ? place.form : place;
              const style = getComputedStyle(marked);
              return [place.id || place.textContent.trim() || place.getAttribute("aria-label"), style.outlineStyle !== "none" || style.borderColor];
            }""")
            if name in reached[:1]:
                break
            if page.evaluate("document.activeElement !== document.body"):
                assert outline, f"{name} does not show that it has the focus"
                reached.append(name)
        wanted = ["theme", "text", "insert-pause", "text-file", "speak", "model", "voice", "manage-voices", "set-speed", "seed", "reset", "timeline", "play", "back",
                  "format", "download", "reader", "tab-curl", "copy", "clear-history"]
        assert not [name for name in wanted if name not in reached], f"not reached: {[name for name in wanted if name not in reached]} of {reached}"
        page.focus("#tab-curl")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == "tab-python" and "import" in page.inner_text("#call")
        before = len(visit.orders)
        page.focus("#text")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("body[data-making=false]")
        assert len(visit.orders) == before + 1
        page.click("#theme")
        assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim()") == "1"
        page.reload()
        assert page.get_attribute("html", "data-theme") == "dark"


def findings(page) -> list[str]:
    """The findings of axe that are serious or worse."""
    result = Axe().run(page)
    return [f"{found['id']}: {found['help']}: {[node['html'][:120] for node in found['nodes'][:3]]}" for found in result.response["violations"]
            if found["impact"] in ("serious", "critical", "moderate")]


def accessibility(browser, given) -> None:
    """axe finds nothing serious: both themes, both widths, with speech, with each dialog"""
    for theme in THEMES:
        for width, height in SIZES.values():
            with browser.visit(given.open, color_scheme=theme, viewport={"width": width, "height": height}) as visit:
                page = visit.page
                spoken(page, SHORT)
                page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
                found = findings(page)
                page.click("#manage-voices")
                found += findings(page)
                assert not found, f"{theme}, {width}: " + "\n".join(found)
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{width}: the page is wider than the screen"
                visit.errors[:] = [error for error in visit.errors if "TrustedHTML" not in error]
            # Of the dialog that asks for the key the page's other parts are behind it.
            with browser.visit(given.locked, color_scheme=theme, viewport={"width": width, "height": height}, allowed=("401", "TrustedHTML")) as visit:
                visit.page.wait_for_selector("#key-dialog[open]")
                found = findings(visit.page)
                assert not found, f"{theme}, {width}, the key's dialog: " + "\n".join(found)


def pictures(browser, given) -> None:
    """screenshots in both themes and two widths, and page.png for the documentation (if PICTURES is set)"""
    if not given.pictures:
        return
    given.pictures.mkdir(parents=True, exist_ok=True)
    picture(browser, given)
    for theme in THEMES:
        for name, (width, height) in SIZES.items():
            with browser.visit(given.open, color_scheme=theme, viewport={"width": width, "height": height}) as visit:
                page = visit.page
                page.screenshot(path=given.pictures / f"{name}-{theme}-begin.png", full_page=True)
                spoken(page)
                page.wait_for_timeout(2500)
                page.screenshot(path=given.pictures / f"{name}-{theme}.png", full_page=True)
                page.click("#manage-voices")
                page.click("#record")
                page.wait_for_timeout(5500)
                page.screenshot(path=given.pictures / f"{name}-{theme}-voices.png")
                expect(page.locator("#meter")).to_be_visible()


def picture(browser, given) -> None:
    """The page in the middle of speech, with few colours, so that the file is small."""
    with browser.visit(given.open, color_scheme="light", viewport={"width": 1240, "height": 745}) as visit:
        page = visit.page
        page.evaluate("localStorage.setItem('chatterbox-settings', JSON.stringify({ seed: '11', wanted: { voice: 'slt' } }))")
        page.reload()
        page.wait_for_selector("#model option[value=pico]", state="attached")
        spoken(page)
        until(page, "Number(document.getElementById('timeline').getAttribute('aria-valuenow')) > 4.5")
        page.click("#play")
        page.evaluate("window.scrollTo(0, 0)")
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        raw = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        raw.quantize(96, dither=Image.Dither.NONE).save(given.pictures / "page.png", optimize=True)
