"""A headless Chromium that reaches nothing but the page it is given."""

import json
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]


class Browser:
    """A browser with a new profile, and what the page logged and asked for."""

    def __init__(self, width=1280, height=860, dark=False):
        self.profile = tempfile.TemporaryDirectory()
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={self.profile.name}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.size(width, height)
        if dark:
            self.scheme("dark")

    def size(self, width, height):
        """Sets the size of the page's window."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def scheme(self, name):
        """Sets the colours the reader prefers: light or dark."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def settle(self, script, *arguments, seconds=10):
        """Waits until a script answers something true, and gives that."""
        end = time.monotonic() + seconds
        while True:
            found = self.driver.execute_script(script, *arguments)
            if found:
                return found
            if time.monotonic() > end:
                text = self.driver.execute_script("return document.body.innerText.slice(0, 2000)")
                raise AssertionError(f"never true: {script}\nthe page shows:\n{text}")
            time.sleep(0.05)

    def logged(self):
        """What the page wrote to its console, or the browser about it."""
        return self.driver.get_log("browser")

    def asked_for(self):
        """The addresses that were asked for since the last call."""
        addresses = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                addresses.append(message["params"]["request"]["url"])
        return addresses

    def close(self):
        """Ends it."""
        self.driver.quit()
        self.profile.cleanup()
