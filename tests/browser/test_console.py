"""The console in headless Chromium: hostile text, narrow screens, the keyboard, what a screen reader is given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.pair import Choice, ToolCall
from cases.case import Case, Judged
from proxy.control.control import Control
from tests.browser.checks import CONTRAST, FOCUS, SIDEWAYS, STRUCTURE
from tests.browser.chrome import Tab
from tests.browser.conftest import url
from tests.console.made import case, pool, repeated
from tests.control.fakes import Client, Connect
from tests.control.test_admin import report

RUNS = "window.ran = true"
HOSTILE = "\n".join(
    (
        f"<script>{RUNS}</script>",
        f'"><img src=x onerror="{RUNS}">',
        f"' autofocus onfocus='{RUNS}",
        f"</div></textarea></title></script><svg/onload={RUNS}>",
        f"<iframe srcdoc='<script>parent.{RUNS}</script>'></iframe>",
        f"[x](javascript:{RUNS})",
        "<form action=https://evil.example><button>Sign in</button></form>",
        "<link rel=stylesheet href=https://evil.example/x.css><base href=https://evil.example/>",
        "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link",
        "\u202egnp.exe\u202c \u2066iso\u2069 \u200bzero",
        "z" * 200,
    )
)
LINE = "<b>" + "l" * 1_000_000


def hostile() -> Case:
    """A case whose every text attacks its reader."""
    one = case("h1", HOSTILE, LINE, asked=HOSTILE)
    return replace(
        repeated(one, HOSTILE),
        candidate=replace(
            one.candidate, choices=(Choice(LINE, HOSTILE, (ToolCall(HOSTILE, HOSTILE),), finish_reason=HOSTILE),)
        ),
        segments=(HOSTILE,),
        redacted={HOSTILE: 1},
    )


def lively(control: Control) -> None:
    """Let something be known."""
    for number in range(60):
        control.receive(report(str(number), float(number < 6)))


@pytest.fixture
async def site(connect: Connect, control: Control) -> Client:
    lively(control)
    wrong = [case(f"p{n}", at=f"2026-11-02T09:00:0{n}+00:00") for n in range(4)]
    json = case("json", '{"a": 1, "b": [1, 2]}', '{"a": 2, "b": [1]}')
    return await connect(pool=pool(*wrong, repeated(json, '{"a": 1}'), hostile()))


def untouched(tab: Tab, client: Client) -> None:
    """Nothing ran, nothing was asked of anybody else, and no policy had to step in."""
    assert tab.dialogs == []
    assert [each for each in tab.requests if not each.startswith(url(client))] == []
    assert tab.complaints == []


@pytest.mark.parametrize("path", ["/cases/h1", "/cases", "/cases/h1/text/candidate", "/cases/h1/text/request"])
async def test_hostile_text_is_shown_as_text_and_runs_nothing(tab: Tab, site: Client, path: str) -> None:
    await tab.go(url(site, path))

    untouched(tab, site)
    assert await tab.run("window.ran === undefined")
    assert await tab.run("document.querySelectorAll('iframe, img, base, object, embed').length") == 0
    assert await tab.run("document.querySelectorAll('script:not([src^=\"/assets/\"])').length") == 0
    shown = await tab.run("document.body.innerText")
    assert not any(ord(each) < 32 and each not in "\n\t" for each in shown)
    assert not set(shown) & set("\u202e\u202c\u2066\u2069\u200b")


async def test_what_is_not_seen_is_written_out_and_a_huge_line_is_folded(tab: Tab, site: Client) -> None:
    await tab.go(url(site, "/cases/h1"))
    shown = await tab.run("document.body.innerText")

    assert f"<script>{RUNS}</script>" in shown
    assert "U+202E" in shown
    assert "␛" in shown
    assert "left out" in shown
    assert await tab.run("document.documentElement.outerHTML.length") < 400_000
    await tab.run("document.querySelector('a[href$=\"/text/candidate\"]').click()")
    await tab.until("document.body.innerText.length > 1000000")
    untouched(tab, site)


@pytest.mark.parametrize("width", [390, 840, 1280])
@pytest.mark.parametrize(
    "path", ["/", "/cases", "/cases/p0", "/cases/json", "/cases/h1", "/cases/nope", "/nothing"]
)
async def test_390_pixels_are_enough_and_any_more(tab: Tab, site: Client, path: str, width: int) -> None:
    await tab.size(width, 844)
    await tab.go(url(site, path))

    assert await tab.run(SIDEWAYS) == []
    assert await tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("path", ["/", "/cases", "/cases/json", "/cases/nope", "/nothing"])
async def test_a_screen_reader_finds_its_way(tab: Tab, site: Client, path: str) -> None:
    await tab.go(url(site, path))

    assert await tab.run(STRUCTURE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/cases", "/cases/json", "/nothing"])
async def test_every_text_stands_out_from_its_ground(tab: Tab, site: Client, path: str, scheme: str) -> None:
    await tab.scheme(scheme)
    await tab.go(url(site, path))
    await tab.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert await tab.run(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
    assert await tab.run(CONTRAST) == []


async def test_the_checks_find_what_is_wrong(tab: Tab, site: Client) -> None:
    await tab.go(url(site, "/cases/nope"))
    await tab.run(
        """
        const main = document.querySelector("main");
        for (const [name, styled] of [["h4", ""], ["button", ""], ["p", "color: #888; background: #fff"]]) {
          const made = document.createElement(name);
          made.style.cssText = styled;
          made.textContent = name === "p" ? "pale" : name === "h4" ? "deep" : "";
          main.append(made);
        }
        main.append(document.createElement("table"));
        main.append(Object.assign(document.createElement("nav"), { textContent: "wide" }));
        main.lastChild.style.width = "2000px";
        """
    )
    found = " ".join(await tab.run(STRUCTURE))

    assert all(each in found for each in ("deep skips from 1 to 4", "no name", "without a caption", "nav without"))
    assert [each for each in await tab.run(CONTRAST) if "pale" in each]
    assert [each for each in await tab.run(SIDEWAYS) if each.startswith("NAV")]
    tab.complaints.clear()
    await tab.run(
        "new Promise((done) => Object.assign(new Image(), { onerror: done, src: 'https://evil.example/x' }))"
    )
    await tab.run("alert('said')")
    assert tab.dialogs == ["said"]
    assert "Content Security Policy" in tab.complaints[0]


async def test_every_control_is_reached_by_tab_and_shows_that_it_is(tab: Tab, site: Client) -> None:
    await tab.go(url(site, "/cases/p1"))
    reached: list[object] = []
    while (focus := await step(tab)) is not None and len(reached) < 60:
        reached.append(focus["what"])
        assert focus["shown"], focus

    assert reached[0] == "Skip to the content"
    assert {"judged", "note", "by", "analyzer", "Keys on"} <= set(reached)


async def reviewer(tab: Tab, name: str) -> None:
    """Say who judges, as a reviewer does once in each browser."""
    await tab.run("document.querySelector('[name=by]').focus()")
    await tab.write(name)
    await tab.press("Escape")


async def step(tab: Tab) -> dict[str, object] | None:
    await tab.press("Tab")
    focus: dict[str, object] | None = await tab.run(FOCUS)
    return focus


async def test_a_case_is_labelled_by_keyboard_and_the_next_one_opened(tab: Tab, connect: Connect) -> None:
    held = pool(*(case(f"p{n}", at=f"2026-11-02T09:00:0{n}+00:00") for n in range(3)))
    client = await connect(pool=held)
    await tab.go(url(client, "/cases/p2?variable=math.checked"))
    await reviewer(tab, "ada")
    await tab.press("e")
    await tab.write("snb off by 20")
    await tab.press("Escape")
    await tab.press("s")
    await tab.until("document.querySelector('[data-live]').textContent === 'Saved: slip of math.checked.'")

    assert await tab.run("document.querySelector('[data-live]').getAttribute('aria-live')") == "polite"
    assert [(each.judged, each.by, each.note) for each in held.cases["p2"].labels] == [
        (Judged.SLIP, "ada", "snb off by 20")
    ]

    await tab.press("j")
    await tab.until("location.href.endsWith('/cases/p1?variable=math.checked')")
    await tab.until("document.readyState === 'complete'")
    await tab.press("a")
    await tab.until(
        "document.querySelector('[data-live]').textContent === 'Saved: analyzer wrong of math.checked.'"
    )
    await tab.press("k")
    await tab.until("location.pathname === '/cases/p2'")
    assert [(each.judged, each.by) for each in held.cases["p1"].labels] == [(Judged.ANALYZER_WRONG, "ada")]
    untouched(tab, client)


async def test_single_keys_can_be_switched_off(tab: Tab, connect: Connect) -> None:
    held = pool(case())
    client = await connect(pool=held)
    await tab.go(url(client, "/cases/p1"))
    await tab.run("document.querySelector('[data-keys]').click()")
    await tab.press("s")
    await tab.go(url(client, "/cases/p1"))
    await tab.press("n")

    assert await tab.run("document.querySelector('[data-keys]').textContent") == "Keys off"
    assert held.cases["p1"].labels == ()


async def test_who_judges_is_asked_once_in_each_browser_and_is_nobodys_default(tab: Tab, connect: Connect) -> None:
    held = pool(case())
    client = await connect(pool=held)
    await tab.go(url(client, "/cases/p1"))
    assert await tab.run("document.querySelector('[name=by]').value") == ""
    await tab.press("s")
    await tab.until("document.querySelector('[data-live]').textContent.includes('who you are')")
    assert await tab.run("document.activeElement.name") == "by"
    assert held.cases["p1"].labels == ()

    await tab.write("ada")
    await tab.press("Escape")
    await tab.go(url(client, "/cases/p1"))

    assert await tab.run("document.querySelector('[name=by]').value") == "ada"


async def test_a_label_that_is_not_kept_says_so(tab: Tab, connect: Connect) -> None:
    held = pool(case())
    client = await connect(pool=held)
    await tab.go(url(client, "/cases/p1"))
    await reviewer(tab, "ada")
    held.cases.clear()
    await tab.press("s")
    await tab.until("document.querySelector('[data-live]').textContent.startsWith('Not saved:')")


@pytest.mark.parametrize("path", ["/", "/signin"])
async def test_the_head_of_a_page_is_one_line_on_a_phone_too(tab: Tab, connect: Connect, path: str) -> None:
    client = await connect("v", "o", pool(case()))
    await tab.size(390, 844)
    await tab.go(url(client, "/signin?next=/"))
    if path == "/":
        await tab.write("v")
        await tab.press("Enter")
        await tab.until("location.pathname === '/' && document.querySelector('.session button') !== null")
        await tab.until("document.readyState === 'complete'")

    assert await tab.run("document.querySelector('body > header').offsetHeight") < 80
    assert await tab.run("document.querySelectorAll('a.session').length") == 0


async def test_a_long_word_leaves_the_others_whole(tab: Tab, site: Client) -> None:
    await tab.go(url(site, "/cases/h1"))

    assert await tab.run("document.querySelector('.timings tbody th').offsetWidth") > 60


async def test_signing_in_and_out_by_keyboard(tab: Tab, connect: Connect) -> None:
    client = await connect("v", "o", pool(case()))
    await tab.go(url(client, "/cases/p1"))
    assert await tab.run("location.pathname") == "/signin"
    assert await tab.run(STRUCTURE) == []
    await tab.write("o")
    await tab.press("Enter")
    await tab.until("location.pathname === '/cases/p1'")
    await tab.until("document.readyState === 'complete'")
    await reviewer(tab, "ada")
    await tab.press("s")
    await tab.until("document.querySelector('[data-live]').textContent === 'Saved: slip of math.checked.'")
    assert await tab.run("document.cookie") == ""
    await tab.run("document.querySelector('.session button').click()")
    await tab.until("location.pathname === '/signin'")
    await tab.go(url(client, "/"))
    assert await tab.run("location.pathname") == "/signin"
    untouched(tab, client)
