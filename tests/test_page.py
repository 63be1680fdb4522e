"""test_page.py: the page in a real browser: sliders, both sides streaming, the command, presets, charts; and opened from disk."""

import json
import os
import re
import sys
import tempfile
import unittest

import browsers
import built
import serving

if not browsers.webdriver:
    built.skip_all("selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "interop"))
import makers

PAGE = os.path.join(os.environ["TRIMTAB_BUILD"], "web", "trimtab.html")


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="trimtab-page-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = serving.make_model(cls.folder.name)
        cls.vectors = serving.make_vectors(os.path.join(cls.folder.name, "vectors"), recommended=serving.RECOMMENDED)
        cls.server = cls.enterClassContext(serving.Server(cls.model, "--vectors", cls.vectors, "-np", "2", "-c", "8192",
                                                          "--preset", "baroque=language=0.6"))
        cls.browser = browsers.open_browser(os.path.join(cls.folder.name, "profile"))
        cls.addClassCleanup(cls.browser.quit)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def wait(self, condition):
        return WebDriverWait(self.browser, built.PATIENCE, 0.05).until(lambda _: condition())

    def open(self, address=None):
        self.browser.get(address or self.server.url + "/")
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, "#axes .axis"))

    def slide(self, axis, value):
        self.browser.execute_script("""const range = document.getElementById(arguments[0]); range.value = arguments[1];
            range.dispatchEvent(new Event("input", {bubbles: true}));""", f"axis-{axis}", value)

    def value(self, axis):
        return float(self.find(f"#axis-{axis}-value").get_attribute("value"))

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]

    def test_vectors_of_other_makers(self):
        """A set of one side has a slider that ends at 0; a plain vector has its name, and the other way."""
        folder = os.path.join(self.folder.name, "others")
        for name in ("m-mood__happy.gguf", "courage.gguf"):
            makers.vector(os.path.join(folder, name))
        with serving.Server(self.model, "--vectors", folder, "-np", "1", "-c", "512") as server:
            self.open(server.url + "/")
            ends = {axis: [end.text for end in self.browser.find_elements(By.CSS_SELECTOR, f".axis:has(#axis-{axis}) .ends span")]
                    for axis in ("mood", "courage")}
            self.assertEqual(ends, {"mood": ["", "happy"], "courage": ["the other way", "Courage"]})
            self.slide("mood", -1)
            self.assertEqual(self.value("mood"), 0)
            self.slide("courage", -1)
            self.assertEqual(self.value("courage"), -1)
            self.assertEqual(self.complaints(), [])

    def test_sliders_are_marked_where_safety_ends(self):
        self.open()

        def marks(axis):  # as axis values, of the slider from -1.5 to 1.5
            style = self.find(f"#axis-{axis}").get_attribute("style")
            return [round(3 * float(re.search(name + r":\s*([\d.]+)", style).group(1)) - 1.5, 2) for name in ("--least", "--most")]

        self.assertEqual(marks("language"), [-1, 1])
        self.assertEqual(marks("optimism_vs_nihilism"), [-0.5, 0.25])

    def test_both_sides_stream_and_differ(self):
        self.open()
        self.slide("language", 1.2)
        self.find("#tokens").clear()
        self.find("#tokens").send_keys("60")
        self.find("#generate").click()
        for side in ("plain", "steered"):
            self.wait(lambda side=side: "tokens" in self.find(f"#{side}-note").text)
            self.assertEqual(self.find(f"#{side}").get_attribute("aria-busy"), "false")
            self.assertGreater(len(self.find(f"#{side}").text), 5)
        self.assertNotEqual(self.find("#plain").text, self.find("#steered").text)
        self.assertEqual(self.complaints(), [])

    def test_keyboard_alone(self):
        self.open()
        slider = self.find("#axis-language")
        slider.send_keys(Keys.ARROW_RIGHT * 4)
        self.assertAlmostEqual(self.value("language"), 0.2)
        self.assertIn("towards ornate", slider.get_attribute("aria-valuetext"))
        slider.send_keys(Keys.ARROW_LEFT * 6)
        self.assertIn("towards simple", slider.get_attribute("aria-valuetext"))
        self.find("#tokens").clear()
        self.find("#tokens").send_keys("3000")
        self.find("#prompt").send_keys(Keys.CONTROL, Keys.ENTER)
        self.wait(lambda: self.find("#stop").is_enabled())
        self.find("#prompt").send_keys(Keys.ESCAPE)
        self.wait(lambda: self.find("#generate").is_enabled())
        self.wait(lambda: self.server.metric("slots_busy") == 0)

    def test_every_control_is_reached_and_seen_by_tab(self):
        self.open()
        wanted = set(self.browser.execute_script("""return [...document.querySelectorAll("input, select, textarea, button, pre")]
            .filter((e) => !e.disabled && e.offsetParent).map((e) => e.id)"""))
        self.assertGreater(len(wanted), 20)
        reached = []
        while len(reached) < 100:
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
            tag, name, outline = self.browser.execute_script("""const e = document.activeElement, style = getComputedStyle(e);
                return [e.tagName, e.id, style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)];""")
            if tag == "BODY":
                break
            reached.append(name)
            self.assertGreaterEqual(outline, 2, name)
        self.assertEqual(wanted - set(reached), set())
        self.assertEqual(len(reached), len(set(reached)))
        self.assertLess(reached.index("axis-language"), reached.index("prompt"))

    def test_off_value_reset(self):
        self.open()
        self.find("#axis-language-value").send_keys(Keys.CONTROL, "a")
        self.find("#axis-language-value").send_keys("-0.45")
        self.assertAlmostEqual(float(self.find("#axis-language").get_attribute("value")), -0.45)
        self.assertIn("language=-0.45", self.command("trimtab"))
        self.find("#axis-language-on").click()
        self.assertNotIn("language", self.command("trimtab"))
        self.find("#axis-language-on").click()
        self.assertIn("language=-0.45", self.command("trimtab"))
        self.find("#axis-language-reset").click()
        self.assertEqual(self.value("language"), 0)

    def command(self, syntax):
        Select(self.find("#syntax")).select_by_value(syntax)
        return self.find("#command").text

    def test_command_and_copy(self):
        self.open()
        self.slide("language", -0.5)
        self.slide("optimism_vs_nihilism", 0.3)
        for field, text in (("model-file", "my model.gguf"), ("vector-folder", "/data/it's/"), ("vector-model", "tiny")):
            self.find(f"#{field}").clear()
            self.find(f"#{field}").send_keys(text)
        command = self.command("llama")
        self.assertIn("-m 'my model.gguf'", command)
        self.assertIn("--control-vector '/data/it'\\''s/tiny-language__debias.gguf'", command)
        self.assertIn("'/data/it'\\''s/tiny-language__simple.gguf:0.5'", command)
        self.assertIn("tiny-optimism_vs_nihilism__nihilism.gguf:0.3", command)
        self.assertIn("__simple.gguf' 0.5", self.command("llama-old"))
        self.assertIn('"steering":{"language":-0.5,"optimism_vs_nihilism":0.3}', self.command("request"))
        self.browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        self.find("#copy").click()
        self.wait(lambda: self.find("#copied").text == "Copied.")
        copied = self.browser.execute_async_script("const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)));")
        self.assertEqual(copied.replace("\r\n", "\n"), self.find("#command").text)

    def test_safe_scale(self):
        self.open()
        self.assertEqual(self.find("#safety-text").text, "No steering.")
        self.slide("language", 1)
        self.assertIn("Within what is safe", self.find("#safety-text").text)
        self.slide("empathy_vs_sociopathy", -1)
        self.assertIn("Stronger than is safe", self.find("#safety-text").text)
        self.find("#scale-down").click()
        self.assertIn("Within what is safe", self.find("#safety-text").text)
        self.assertLess(self.value("language"), 1)
        self.find("#reset-all").click()
        self.slide("optimism_vs_nihilism", -0.45)  # an evaluation has found 0.5 towards optimism, and 0.25 towards nihilism
        self.assertIn("Within what is safe", self.find("#safety-text").text)
        self.slide("optimism_vs_nihilism", 0.3)
        self.assertIn("at most 0.25", self.find("#safety-text").text)
        self.find("#scale-down").click()
        self.assertEqual(self.value("optimism_vs_nihilism"), 0.25)

    def test_presets(self):
        self.open()
        self.slide("language", 0.75)
        self.find("#preset-save").click()
        self.find("#preset-name").send_keys("Mine & <b>yours</b>" + Keys.ENTER)
        self.find("#reset-all").click()
        self.open()
        Select(self.find("#preset")).select_by_visible_text("Mine & <b>yours</b>")
        self.assertAlmostEqual(self.value("language"), 0.75)
        Select(self.find("#preset")).select_by_visible_text("baroque")
        self.assertAlmostEqual(self.value("language"), 0.6)
        Select(self.find("#preset")).select_by_visible_text("Mine & <b>yours</b>")
        self.find("#preset-delete").click()
        self.assertNotIn("Mine", self.find("#preset").text)

    def test_charts_labels_and_groups(self):
        self.open()
        self.assertEqual([legend.text.lower() for legend in self.browser.find_elements(By.CSS_SELECTOR, "#axes legend")],
                         ["writing style", "dark tetrad", "other"])
        self.assertTrue(self.find("#strength canvas").is_displayed())
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "#similarity tbody td")), 9)
        unlabelled = self.browser.execute_script("""return [...document.querySelectorAll("input, select, textarea, button")].filter((e) =>
            !e.labels?.length && !e.getAttribute("aria-label") && !e.textContent.trim()).map((e) => e.id)""")
        self.assertEqual(unlabelled, [])

    def test_phone_width(self):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
        try:
            self.open()
            self.assertLessEqual(self.browser.execute_script("return document.documentElement.scrollWidth"), 360)
            for field in ("prompt", "syntax", "vector-folder", "command"):  # as wide as there is room
                self.assertGreater(self.find("#" + field).rect["width"], 280, field)
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def test_from_disk(self):
        self.open("file://" + PAGE)
        self.assertFalse(self.find("#generate").is_displayed())
        self.assertFalse(self.find("#charts").is_displayed())
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "#axes .axis")), 8)
        self.slide("storytelling", 0.4)
        self.assertIn("--control-vector-scaled", self.command("llama"))
        self.assertIn("storytelling=0.4", self.command("trimtab"))
        self.assertEqual(self.find("footer").text, "Nothing on this page leaves your browser.")
        self.assertEqual(self.complaints(), [])

    def test_no_request_leaves(self):
        self.browser.get_log("performance")
        self.open()
        self.slide("language", 1)
        self.find("#generate").click()
        self.wait(lambda: "tokens" in self.find("#steered-note").text)
        self.open("file://" + PAGE)
        self.slide("language", 1)
        hosts = set()
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                hosts.add(message["params"]["request"]["url"].split("?")[0])
        self.assertIn(self.server.url + "/v1/chat/completions", hosts)
        self.assertTrue(all(url.startswith((self.server.url, "file://", "data:", "chrome")) for url in hosts), hosts)


if __name__ == "__main__":
    unittest.main(verbosity=2)
