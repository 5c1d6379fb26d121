"""The report page in a real browser: opened, clicked and typed through in headless Chromium."""

import shutil
from itertools import pairwise

import pytest

from varlab.claims.ledger import Entry, Ledger, verify
from varlab.core import Budget, Claim, ClaimKind, Finding, numeric
from varlab.report import html as page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
try:
    from playwright.sync_api import sync_playwright
except ImportError:
    MISSING = "playwright is not installed (extra 'dev')"
else:
    MISSING = "" if CHROMIUM else "no chromium on this machine"

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"no browser test: {MISSING}"),
    pytest.mark.xdist_group("browser"),  # one Chromium, not one a worker
]

ARGUMENTS = (
    "--no-sandbox",  # the test may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1100, "height": 900}
# Quick claims of three verdicts, with the one that the figure belongs to.
IDS = (
    "radam.eq6.mean",
    "radam.eq4.centre-of-mass",
    "radam.fig8.accuracy",
    "radam.s41.mean-law",
    "varlab.kish",
    "radam.table1",
)
FAILING = "radam.s41.mean-law"
WIDE = r"x = " + " + ".join(
    rf"\frac{{\Gamma(\rho/{k})}}{{\Gamma(\rho/{k}+1)}}" for k in range(2, 24)
)


def wide_claim():
    """A claim with an equation wider than any screen, a long word, and a derivation."""
    claim = Claim(
        id="test.wide",
        source="V",
        statement="unbroken" * 20,
        kind=ClaimKind.EXACT,
        domain_stated="rho > 4",
        formula=None,
        checks=(numeric(lambda f, c: Finding.supports("1" * 300, error=0.25)),),
        equation=WIDE,
        derivation="inverse_chi.moments",
    )
    return Entry(claim, claim.decide())


@pytest.fixture(scope="module")
def ledger():
    entries = verify(IDS, jobs=1).entries
    return Ledger((*entries, wide_claim()), 0, Budget.FAST)


@pytest.fixture(scope="module")
def report(ledger, tmp_path_factory):
    """Address of the page, with the wide claim in a theme of its own."""
    themes = (*page.sections(), ("A theme", ("test.wide",)))
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "sections", lambda: themes)
        path.write_text(page.ledger_html(ledger), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


def listen(tab):
    """What a page asks of the network, prints, or throws, as it happens; its own file left out."""
    heard = []
    tab.on("request", lambda r: r.is_navigation_request() or heard.append(f"request {r.url}"))
    tab.on("console", lambda m: heard.append(f"console {m.text}"))
    tab.on("pageerror", lambda e: heard.append(f"error {e}"))
    return heard


@pytest.fixture
def visit(browser, report):
    """``visit(viewport, scheme)``: the open page, of which nothing may be heard to the end."""
    opened = []

    def go(viewport=DESK, scheme="light", fragment=""):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        tab = context.new_page()
        tab.set_default_timeout(20_000)
        opened.append((context, listen(tab)))
        tab.goto(report + fragment)
        return tab

    yield go
    for context, _ in opened:
        context.close()
    assert [line for _, heard in opened for line in heard] == []


def claim(tab, claim_id):
    return tab.locator("details.claim").filter(has=tab.locator(f'[id="{claim_id}"]'))


def open_all(tab):
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")


def overflow(tab):
    """How many pixels the page is wider than its window."""
    return tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def test_a_page_that_does_it_wrong_is_caught(browser, tmp_path):
    path = tmp_path / "wrong.html"
    path.write_text(
        '<body style="background: #fff"><p style="width: 2000px; color: #aaa">wide, pale</p>'
        '<img src="missing.png"><script>console.log("talks"); undefined.oops</script>',
        encoding="utf-8",
    )
    tab = browser.new_page(viewport=PHONE)
    heard = listen(tab)
    tab.goto(path.as_uri())
    kinds = {line.split()[0] for line in heard}
    assert kinds == {"request", "console", "error"}
    assert overflow(tab) > 0
    assert contrast(tab, "p") < 4.5
    tab.close()


def test_the_verdicts_come_first(visit, ledger):
    tab = visit()
    answer = tab.locator(".answer")
    assert f"{len(ledger.entries)} statements" in answer.inner_text()
    box = answer.bounding_box()
    assert box["y"] + box["height"] < DESK["height"] / 2
    assert tab.locator("h1").count() == 1
    assert tab.title().startswith("varlab")
    assert tab.locator("html").get_attribute("lang") == "en"
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_a_claim_opens_by_click_and_shows_its_evidence(visit):
    tab = visit()
    one = claim(tab, "radam.eq6.mean")
    assert not one.locator("math").first.is_visible()
    one.locator("summary").first.click()
    assert one.locator("math").first.is_visible()
    assert one.locator(".evidence li").count() >= 2
    assert one.locator(".evidence").inner_text().count("agrees") >= 2
    one.locator("summary").first.click()
    assert not one.locator("math").first.is_visible()


def test_the_derivation_opens_on_demand(visit):
    tab = visit()
    one = claim(tab, "test.wide")
    one.locator("summary").first.click()
    steps = one.locator(".derivation > ol")
    assert not steps.is_visible()
    one.locator(".derivation summary").click()
    assert steps.is_visible()
    assert steps.locator("math").count() == steps.locator("> li").count() >= 3


def test_the_keyboard_reaches_and_opens_everything(visit, ledger):
    tab = visit()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.locator(".skip").bounding_box()["x"] >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "claims"
    for _ in ledger.entries:
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.press("Enter")
    assert claim(tab, "test.wide").locator("math").first.is_visible()
    tab.keyboard.press("Enter")
    assert not claim(tab, "test.wide").locator("math").first.is_visible()


def test_the_filter_shows_one_verdict(visit, ledger):
    tab = visit()
    for value, count in ledger.counts().items():
        if not count:
            continue
        tab.locator(f"label.{value.value}").click()
        shown = tab.locator("details.claim:visible")
        assert shown.count() == count
        assert tab.locator(f"details.claim.{value.value}:visible").count() == count
        assert tab.locator("section.theme:visible").count() <= count
    tab.locator("label.all").click()
    assert tab.locator("details.claim:visible").count() == len(ledger.entries)


def test_the_filter_follows_the_arrow_keys(visit, ledger):
    tab = visit()
    tab.locator("#only-all").focus()
    tab.keyboard.press("ArrowRight")
    first = next(v for v, n in ledger.counts().items() if n)
    assert tab.locator("details.claim:visible").count() == ledger.counts()[first]


def test_a_link_opens_its_claim_even_if_the_filter_hides_it(visit):
    tab = visit()
    tab.locator("label.holds").click()
    assert not claim(tab, FAILING).is_visible()
    tab.locator(f'.refuted a[href="#{FAILING}"]').click()
    assert claim(tab, FAILING).locator(".evidence").is_visible()
    assert claim(tab, FAILING).locator(".badge").is_visible()


def test_an_address_with_a_claim_opens_it(visit):
    tab = visit(fragment=f"#{FAILING}")
    assert claim(tab, FAILING).locator(".evidence").is_visible()


def test_a_phone_shows_it_without_sideways_scrolling(visit):
    tab = visit(PHONE)
    assert overflow(tab) == 0
    open_all(tab)
    assert overflow(tab) == 0
    equation = claim(tab, "test.wide").locator(".equation").first
    assert equation.evaluate("e => e.scrollWidth - e.clientWidth") > 0
    equation.evaluate("e => { e.scrollLeft = 50 }")
    assert equation.evaluate("e => e.scrollLeft") == 50


def test_equations_and_the_figure_are_drawn(visit):
    tab = visit()
    open_all(tab)
    heights = tab.evaluate(
        "[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) > 5  # a line of text is more than 15 pixels high
    figure = tab.locator("figure svg").bounding_box()
    assert figure["height"] > 200
    drawn = tab.evaluate(
        "[...document.querySelectorAll('figure path')].filter(p => p.getBBox().width > 50).length"
    )
    assert drawn >= 4  # its curves


def contrast(tab, selector):
    """WCAG contrast of the first match's text against the page or card behind it."""
    return tab.evaluate(
        """selector => {
          const rgb = text => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          let element = document.querySelector(selector), behind = element;
          const paper = e => rgb(getComputedStyle(e).backgroundColor);
          while ((paper(behind)[3] ?? 1) === 0) behind = behind.parentElement;
          const pair = [light(rgb(getComputedStyle(element).color)), light(paper(behind))];
          return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        }""",
        selector,
    )


def test_light_and_dark_differ_and_both_can_be_read(visit):
    papers = []
    for scheme in ("light", "dark"):
        tab = visit(scheme=scheme)
        papers.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        open_all(tab)
        for selector in (
            ".statement",
            ".claim .where",
            ".seconds",
            ".meta",
            "dt",
            "figcaption",
            ".claim.holds .badge",
            ".claim.holds-within .badge",
            ".claim.fails .badge",
            ".filter .holds span",
            ".filter .all span",  # the checked one
        ):
            assert contrast(tab, selector) >= 4.5, (scheme, selector)  # WCAG 2 AA for text
    assert papers[0] != papers[1]


def test_print_shows_what_is_closed(visit):
    tab = visit()
    tab.emulate_media(media="print")
    assert not tab.locator(".filter").is_visible()
    evidence = claim(tab, "radam.eq6.mean").locator(".evidence")
    assert evidence.evaluate("e => e.checkVisibility({contentVisibilityAuto: true})")
    assert evidence.bounding_box()["height"] > 20
