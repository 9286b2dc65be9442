"""Tests of voices from the microphone and from files, and of the server's key."""

from playwright.sync_api import expect

from browser import until
from speaking import speak, spoken


def recording(browser, given) -> None:
    """a voice is recorded with its level and noise shown, stored only with consent, used, played and deleted"""
    with browser.visit(given.open) as visit:
        page = visit.page
        page.click("#manage-voices")
        page.click("#record")
        expect(page.locator("#prompt")).to_be_visible()
        until(page, "parseFloat(document.getElementById('level').style.getPropertyValue('--level')) > 0.3")
        page.wait_for_timeout(3500)
        page.click("#record")
        levels = page.inner_text("#levels")
        assert "speech −" in levels.replace("-", "−") and "noise" in levels, levels
        assert page.inner_text("#advice")
        assert page.evaluate("document.getElementById('recording').duration") > 2
        page.fill("#voice-name", "ada")
        assert page.is_disabled("#save-voice"), "a voice was taken without consent"
        page.check("#consent")
        page.click("#save-voice")
        expect(page.locator("#voice-message")).to_contain_text("The voice ada is ready", timeout=30_000)
        expect(page.locator("#voice-list")).to_contain_text("ada")
        page.click("#voice-list [aria-label='Hear ada']")
        expect(page.locator("#voice-message")).to_be_hidden(timeout=30_000)
        page.click("#voices [aria-label=Close]")
        assert page.input_value("#voice") == "ada"
        spoken(page, "Good morning.")
        assert visit.orders[-1]["voice"] == "ada"
        page.click("#manage-voices")
        page.click("#voice-list [aria-label='Use slt']")
        assert page.input_value("#voice") == "slt" and not page.is_visible("#voices")
        page.click("#manage-voices")
        page.click("#voice-list [aria-label='Delete ada']")
        expect(page.locator("#voice-list")).to_contain_text("ada")
        page.click("#voice-list [aria-label='Delete ada']")
        expect(page.locator("#voice-list")).not_to_contain_text("ada")
        page.keyboard.press("Escape")
        expect(page.locator("#voices")).to_be_hidden()


def file(browser, given) -> None:
    """a voice is made from a file; a file without sound is refused, and a used name gives a message"""
    with browser.visit(given.open, allowed=("409",)) as visit:
        page = visit.page
        page.click("#manage-voices")
        page.set_input_files("#voice-file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no sound"})
        expect(page.locator("#voice-message")).to_contain_text("not a sound file that this browser can read")
        page.set_input_files("#voice-file", str(given.recording))
        expect(page.locator("#recording")).to_be_visible()
        assert page.input_value("#voice-name") == "kennedy"
        expect(page.locator("#levels")).to_contain_text("speech")
        page.check("#consent")
        page.click("#save-voice")
        expect(page.locator("#voice-list")).to_contain_text("kennedy", timeout=30_000)
        page.set_input_files("#voice-file", str(given.recording))
        # The name is set from the file's name when the file is read.
        expect(page.locator("#levels")).to_contain_text("speech")
        page.fill("#voice-name", "kennedy")
        page.check("#consent")
        page.click("#save-voice")
        expect(page.locator("#voice-message")).to_contain_text("There is a voice kennedy already")
        page.click("#voice-list [aria-label='Delete kennedy']")
        page.click("#voice-list [aria-label='Delete kennedy']")
        expect(page.locator("#voice-list")).not_to_contain_text("kennedy")


def key(browser, given) -> None:
    """a required key is asked for once, again if it is wrong, and kept for the tab unless the user chooses otherwise"""
    with browser.visit(given.locked, allowed=("401",)) as visit:
        page = visit.page
        expect(page.locator("#key-dialog")).to_be_visible()
        page.click("text=Not now")
        page.wait_for_selector("#status[data-state=locked]")
        speak(page, "Good morning.")
        expect(page.locator("#key-dialog")).to_be_visible()
        page.fill("#key", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#key-dialog")).to_be_visible()
        until(page, "document.getElementById('key').value === ''")
        page.fill("#key", given.key)
        page.click("text=Use this key")
        page.wait_for_selector("#status[data-state=ready]")
        page.wait_for_selector("#play[aria-label=Pause]")
        assert page.evaluate("[sessionStorage.length, localStorage.getItem('chatterbox-key')]") == [1, None]
        assert given.key not in page.inner_text("#call") and "CHATTERBOX_KEY" in page.inner_text("#call")
        page.reload()
        page.wait_for_selector("#status[data-state=ready]")
        page.wait_for_selector("#forget-key:visible")
        page.click("#forget-key")
        page.wait_for_selector("#status[data-state=locked]")
        speak(page)
        page.fill("#key", given.key)
        page.check("#key-stays")
        page.click("text=Use this key")
        page.wait_for_selector("#status[data-state=ready]")
        assert page.evaluate("localStorage.getItem('chatterbox-key')") == given.key
