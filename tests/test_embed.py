"""Who may show the widget, how much it may ask, what weighs how much; and a doctor that names the mend."""

import base64
import dataclasses
import email.message
import gzip
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from bot import Bot, Config, Embed, read_config, read_origin
from corpus import SettingsInvalid
from tests.sites import ALLOWED, DEEP, STRANGE, WILDCARD, Sites, app_of, door_of, embeds, sea_bot, served, site_of
from ui.cli import main
from ui.embed import DEMO, STATIC, Door, frame_start, integrity, loader, paste_line
from ui.embed_doctor import Fetch, Fetched, examine, parse_policy
from ui.embed_token import SECONDS, Grant, Tokens
from ui.limits import FORWARDED, Counters, subnet
from ui.texts import EMBED_TEXTS

QUESTION = "the moon has no air at all"
OURS = "http://tanya.localhost"


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return sea_bot(tmp_path_factory.mktemp("sea"))


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    running = Sites()
    yield running
    running.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(bot: Bot, sites: Sites, clock: Clock) -> TestClient:
    app = app_of(bot, door_of(sites, Tokens(clock)))
    return TestClient(app, "http://tanya.example", raise_server_exceptions=False, client=("203.0.113.7", 5000))


def at(client: TestClient, address: str, base: str = "http://tanya.example") -> TestClient:
    return TestClient(client.app, base, raise_server_exceptions=False, client=(address, 5000))


def token(client: TestClient, origin: str, embed: str = "site") -> str:
    page = client.get(f"/embed/{embed}", params={"origin": origin})
    assert page.status_code == 200, page.text
    return str(start_of(page.text)["token"])


def start_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="start">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def ask(client: TestClient, token: str, embed: str = "site", origin: str | None = "http://tanya.example", **headers: str) -> Any:
    sent = {"X-Embed-Token": token, **({"Origin": origin} if origin else {}), **headers}
    return client.post("/api/ask", json={"question": QUESTION, "embed": embed}, headers=sent)


# --- origins


@pytest.mark.parametrize(
    ("listed", "origin", "allowed"),
    [
        ("https://example.org", "https://example.org", True),
        ("https://EXAMPLE.org:443/", "https://example.org", True),
        ("https://example.org", "http://example.org", False),
        ("https://example.org", "https://example.org:8443", False),
        ("https://example.org", "https://www.example.org", False),
        ("https://example.org", "https://example.org.evil.net", False),
        ("https://example.org", "https://evilexample.org", False),
        ("https://*.example.org", "https://news.example.org", True),
        ("https://*.example.org", "https://example.org", False),
        ("https://*.example.org", "https://a.b.example.org", False),
        ("https://*.example.org", "https://newsexample.org", False),
        ("https://*.example.org", "http://news.example.org", False),
        ("https://*.example.org:8443", "https://news.example.org:8443", True),
        ("https://*.example.org:8443", "https://news.example.org", False),
        ("https://bücher.example", "https://xn--bcher-kva.example", True),
        ("http://[::1]:8000", "http://[::1]:8000", True),
    ],
)
def test_an_origin_is_allowed_only_if_listed_exactly_or_by_one_label(listed: str, origin: str, allowed: bool) -> None:
    assert Embed(id="a", origins=(listed,)).allows(origin) is allowed


@pytest.mark.parametrize(
    "origin",
    ["*", "https://*", "https://*.org", "https://a.*.org", "example.org", "https://example.org/page", "file:///etc", "null", "",
     "https://user@example.org", "https://example.org:port", "javascript:alert(1)", "https://exa mple.org", "https://ex;ample.org"],
)  # fmt: skip
def test_what_is_no_origin_is_refused_where_it_is_listed(origin: str) -> None:
    with pytest.raises(ValueError, match=r"is no origin; write"):
        read_origin(origin, wildcard=True)


def test_no_origin_is_allowed_unless_listed() -> None:
    assert not Embed(id="a").allows("https://example.org")


def test_embeds_are_read_from_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tanya.toml").write_text('[[embeds]]\nid = "news"\norigins = ["https://Example.org/"]\nlimit = 5\ncolor = "#aa3300"\n')
    assert read_config().embeds == (Embed(id="news", origins=("https://example.org",), limit=5, color="#aa3300"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[embeds]]\nid = "a"\norigins = ["*"]', "is no origin"),
        ('[[embeds]]\nid = "a b"', "pattern"),
        ('[[embeds]]\nid = "a"\ncolour = "red"', "colour"),
        ('[[embeds]]\nid = "a"\ncolor = "red"', "pattern"),
        ('[[embeds]]\nid = "a"\nlimit = 0', "greater than"),
        ('[[embeds]]\nid = "a"\n[[embeds]]\nid = "a"', "two embeds have the id a"),
    ],
)
def test_an_embed_that_cannot_be_right_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tanya.toml").write_text(text)
    with pytest.raises(SettingsInvalid, match=said):
        read_config()


# --- the framed page


@pytest.mark.parametrize("name", [ALLOWED, WILDCARD])
def test_the_framed_page_names_the_one_site_that_may_frame_it(client: TestClient, sites: Sites, name: str) -> None:
    page = client.get("/embed/site", params={"origin": sites.origin(name)})
    policy = parse_policy(page.headers["content-security-policy"])
    assert policy["frame-ancestors"] == [sites.origin(name)]
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["connect-src"] == ["'self'"]
    assert page.headers["cache-control"] == "no-store"
    assert "x-frame-options" not in page.headers


@pytest.mark.parametrize("name", [STRANGE, DEEP])
def test_a_site_that_is_not_listed_gets_no_page_and_no_token(client: TestClient, sites: Sites, name: str) -> None:
    for response in (
        client.get("/embed/site", params={"origin": sites.origin(name)}),
        client.get("/embed/site", headers={"Referer": sites.origin(name) + "/page"}),
        client.post("/embed/site/token", params={"origin": sites.origin(name)}, headers={"Origin": "http://tanya.example"}),
    ):
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "forbidden"


@pytest.mark.parametrize("origin", [None, "", "null", "x\r\nSet-Cookie: a=b", "http://site.localhost; script-src *", "javascript:1"])
def test_a_page_that_says_no_origin_or_nonsense_gets_none(client: TestClient, origin: str | None) -> None:
    response = client.get("/embed/site", params={} if origin is None else {"origin": origin})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_a_plain_frame_is_known_by_its_referrer(client: TestClient, sites: Sites) -> None:
    page = client.get("/embed/site", headers={"Referer": sites.origin(ALLOWED) + "/a/page"})
    assert start_of(page.text)["origin"] == sites.origin(ALLOWED)


def test_an_embed_that_is_not_listed_is_not_there(client: TestClient, sites: Sites) -> None:
    for embed in ("nowhere", DEMO, "..%2f..%2fetc"):
        assert client.get(f"/embed/{embed}", params={"origin": sites.origin(ALLOWED)}).status_code == 404


def test_what_the_settings_say_cannot_leave_its_place_in_the_page() -> None:
    embed = Embed(id="a", title="</script><script>alert(1)</script>", greeting="<!--")
    assert "<" not in frame_start(embed, "https://example.org", "t", "en", Config(), ())


@pytest.mark.parametrize(("days", "rated"), [(0, False), (90, True)])
def test_rating_is_offered_only_where_ratings_are_kept(days: int, rated: bool) -> None:
    assert json.loads(frame_start(Embed(id="a"), "https://example.org", "t", "en", Config(keep_days=days), ()))["rated"] is rated


@pytest.mark.parametrize("language", EMBED_TEXTS)
@pytest.mark.parametrize("days", [0, 30])
def test_the_framed_page_says_for_how_many_days_something_is_kept(bot: Bot, sites: Sites, language: str, days: int) -> None:
    keeping = dataclasses.replace(bot, config=bot.config.model_copy(update={"keep_days": days}))
    page = TestClient(app_of(keeping, door_of(sites))).get("/embed/site", params={"origin": sites.origin(ALLOWED), "lang": language})
    shown = page.text[page.text.index("<body>") :]
    texts = {0: EMBED_TEXTS[language]["kept_none"], 30: EMBED_TEXTS[language]["kept_days"].format(days=30)}
    assert {kept: text in shown for kept, text in texts.items()} == {kept: kept == days for kept in texts}


# --- tokens


def test_a_question_with_a_token_of_its_page_is_answered(client: TestClient, sites: Sites) -> None:
    answer = ask(client, token(client, sites.origin(ALLOWED)), **{"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200
    assert answer.json()["citations"][0]["doc_id"] == "en.moon"


def test_a_token_is_worth_nothing_elsewhere(client: TestClient, sites: Sites, clock: Clock) -> None:
    mine = token(client, sites.origin(ALLOWED))
    said, seal = mine.split(".")
    forged = base64.urlsafe_b64encode(json.dumps(["site", "http://evil", "v", 2**40, ""]).encode()).rstrip(b"=").decode()
    cases = {
        "another embed": ask(client, mine, embed="other"),
        "no token": ask(client, ""),
        "no base64": ask(client, "!!.\x7f"),
        "too long": ask(client, "a" * 5000),
        "altered": ask(client, said[:-2] + ("AA" if said[-2:] != "AA" else "BB") + "." + seal),
        "forged": ask(client, f"{forged}.{seal}"),
        "another address": ask(at(client, "198.51.100.9"), mine),
    }
    assert {why: response.status_code for why, response in cases.items()} == dict.fromkeys(cases, 401)
    assert ask(client, mine).status_code == 200
    clock.now += SECONDS
    replayed = ask(client, mine)
    assert (replayed.status_code, replayed.json()["error"]["code"]) == (401, "token_invalid")


def test_a_token_ends_with_the_index_it_was_made_for_and_with_its_sites_permission(bot: Bot, sites: Sites, client: TestClient) -> None:
    tokens = Tokens()
    door = door_of(sites, tokens)
    here = TestClient(app_of(bot, door), "http://tanya.example", client=("203.0.113.7", 5000))
    version = bot.version.manifest.version
    for grant, status in (
        (Grant("site", sites.origin(ALLOWED), version), 200),
        (Grant("site", sites.origin(ALLOWED), "an older one"), 401),
        (Grant("site", sites.origin(STRANGE), version), 401),
    ):
        assert ask(here, tokens.sign(grant, "203.0.113.7")).status_code == status
    assert ask(client, Tokens().sign(Grant("site", sites.origin(ALLOWED), version), "203.0.113.7")).status_code == 401


FRIEND = "https://friend.example"
"""A site whose scripts may call the API, which makes it none of an embed's."""


@pytest.fixture(scope="module")
def guarded(bot: Bot, sites: Sites) -> TestClient:
    """The whole application, guards and all, seen from another machine."""
    friendly = dataclasses.replace(bot, config=bot.config.model_copy(update={"cors_origins": (FRIEND,)}))
    return TestClient(site_of(friendly, sites), OURS, raise_server_exceptions=False, client=("203.0.113.7", 5000))


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (FRIEND, {}),
        ("http://strange.localhost", {}),
        ("http://site.localhost", {}),
        (None, {}),
        ("null", {}),
        ("http://[", {}),
        (OURS + ".evil.net", {}),
        (OURS, {"Sec-Fetch-Site": "cross-site"}),
        (OURS, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_stolen_token_asks_nothing_from_another_site(
    guarded: TestClient, sites: Sites, origin: str | None, headers: dict[str, str]
) -> None:
    stolen = token(guarded, sites.origin(ALLOWED))
    response = ask(guarded, stolen, origin=origin, **headers)
    assert response.status_code == 403
    assert response.headers.get("access-control-allow-origin") == (FRIEND if origin == FRIEND else None)
    sent = {**({"Origin": origin} if origin else {}), **headers}
    assert guarded.post("/embed/site/token", params={"origin": sites.origin(ALLOWED)}, headers=sent).status_code == 403


def test_a_vote_comes_from_our_own_page_from_a_program_or_from_a_site_that_is_named(guarded: TestClient, sites: Sites) -> None:
    answer_id = ask(guarded, token(guarded, sites.origin(ALLOWED)), origin=OURS).json()["answer_id"]
    for origin, status in ((OURS, 200), (None, 200), (FRIEND, 200), (sites.origin(ALLOWED), 403), ("null", 403), ("http://[", 403)):
        headers = {"Origin": origin} if origin else {}
        voted = guarded.post("/api/feedback", json={"answer_id": answer_id, "rating": "up"}, headers=headers)
        assert voted.status_code == status, origin


def test_what_is_left_of_an_answer_is_told_only_to_whom_the_door_admits(client: TestClient, sites: Sites) -> None:
    mine = token(client, sites.origin(ALLOWED))
    answer_id = ask(client, mine).json()["answer_id"]
    again = {"Accept": "text/event-stream", "Last-Event-ID": f"{answer_id}.1"}
    assert ask(client, "", **again).status_code == 401
    assert ask(client, mine, origin="http://strange.localhost", **again).status_code == 403
    resumed = ask(client, mine, **again)
    assert resumed.text.startswith(f"id: {answer_id}.2\n")


def test_a_token_is_renewed_by_the_page_itself(client: TestClient, sites: Sites, clock: Clock) -> None:
    token(client, sites.origin(ALLOWED))
    clock.now += SECONDS + 1
    renewed = client.post("/embed/site/token", params={"origin": sites.origin(ALLOWED)}, headers={"Origin": "http://tanya.example"})
    assert ask(client, renewed.json()["token"]).status_code == 200


def test_the_address_is_not_in_the_token(client: TestClient, sites: Sites) -> None:
    said = token(client, sites.origin(ALLOWED)).split(".")[0]
    assert b"203.0.113" not in base64.urlsafe_b64decode(said + "==")


# --- limits


def test_of_one_more_question_than_the_limit_at_once_exactly_one_is_refused(client: TestClient, sites: Sites) -> None:
    mine = token(client, sites.origin(ALLOWED), "narrow")
    with ThreadPoolExecutor(3) as pool:
        responses = list(pool.map(lambda _: ask(client, mine, embed="narrow"), range(3)))
    assert sorted(response.status_code for response in responses) == [200, 200, 429]
    refused = next(response for response in responses if response.status_code == 429)
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["error"]["code"] == "too_many"


def test_a_real_server_with_all_its_guards_lets_exactly_the_limit_through(bot: Bot, sites: Sites) -> None:
    with served(site_of(bot, sites)) as port:
        here = f"http://127.0.0.1:{port}"
        page = httpx.get(f"{here}/embed/narrow", params={"origin": sites.origin(ALLOWED)}, timeout=300)
        headers = {"X-Embed-Token": start_of(page.text)["token"], "Origin": here}

        def one(_: int) -> int:
            return httpx.post(f"{here}/api/ask", json={"question": QUESTION, "embed": "narrow"}, headers=headers, timeout=300).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(one, range(8)))
        renewal = httpx.post(f"{here}/embed/narrow/token", params={"origin": sites.origin(ALLOWED)}, headers={"Origin": "http://["})
    assert statuses == [200, 200] + [429] * 6
    assert renewal.status_code == 403


def test_one_address_does_not_use_up_anothers_share_and_a_minute_later_all_is_well(
    client: TestClient, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = token(client, sites.origin(ALLOWED), "narrow")
    assert [ask(client, mine, embed="narrow").status_code for _ in range(3)] == [200, 200, 429]
    other = at(client, "198.51.100.9")
    assert ask(other, token(other, sites.origin(ALLOWED), "narrow"), embed="narrow").status_code == 200
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert ask(client, mine, embed="narrow").status_code == 200


def test_many_at_once_are_counted_exactly() -> None:
    counters = Counters()
    taken: list[bool] = []
    barrier = threading.Barrier(16)

    def take() -> None:
        barrier.wait()
        taken.extend(counters.take(("50/minute", "a", "b")) == 0 for _ in range(10))

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 50


def test_where_one_share_is_used_up_none_is_counted() -> None:
    counters = Counters()
    assert counters.take(("1/minute", "embed")) == 0
    assert [counters.take(("2/minute;3/day", "address"), ("1/minute", "embed")) for _ in range(3)] == [60] * 3
    assert [counters.take(("2/minute;3/day", "address")) for _ in range(3)] == [0, 0, 60]
    assert counters.take(("3/day", "address")) == 0


def test_of_one_more_address_than_the_embeds_limit_at_once_exactly_one_is_refused(bot: Bot, sites: Sites) -> None:
    shared = Embed(id="shared", origins=(sites.origin(ALLOWED),), limit=4)
    app = app_of(bot, Door(lambda: Config(embeds=(shared,))))
    clients = [TestClient(app, "http://tanya.example", client=(f"203.0.113.{number}", 5000)) for number in range(5)]
    tokens = [token(client, sites.origin(ALLOWED), "shared") for client in clients]
    with ThreadPoolExecutor(5) as pool:
        responses = list(pool.map(lambda client, token: ask(client, token, embed="shared"), clients, tokens))
    assert sorted(response.status_code for response in responses) == [200] * 4 + [429]
    assert 0 < int(next(response.headers["retry-after"] for response in responses if response.status_code == 429)) <= 60


def test_what_an_address_is_refused_uses_up_nothing_of_the_embed(bot: Bot, sites: Sites) -> None:
    small = Embed(id="small", origins=(sites.origin(ALLOWED),), limit=2, limit_address=1)
    app = app_of(bot, Door(lambda: Config(embeds=(small,))))
    one, two = (TestClient(app, "http://tanya.example", client=(address, 5000)) for address in ("203.0.113.7", "198.51.100.9"))
    mine = token(one, sites.origin(ALLOWED), "small")
    assert [ask(one, mine, embed="small").status_code for _ in range(3)] == [200, 429, 429]
    assert ask(two, token(two, sites.origin(ALLOWED), "small"), embed="small").status_code == 200


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "unknown"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str, counted: str) -> None:
    assert subnet(address) == counted


# --- the loader and the demo page


def test_the_loader_may_be_loaded_and_checked_by_any_page_and_is_cached(client: TestClient) -> None:
    response = client.get("/embed.js")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["content-type"].startswith("text/javascript")
    assert integrity() == "sha384-" + base64.b64encode(hashlib.sha384(response.content).digest()).decode()


def test_a_loader_that_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/embed.js").headers["etag"]
    again = client.get("/embed.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/embed.js", headers={"If-None-Match": '"another"'}).status_code == 200


def test_the_line_brings_the_look_that_the_button_needs() -> None:
    line = paste_line("https://h", Embed(id="a", color="#aa3300", title='"Sea" & <sky>', language="en", theme="dark"))
    assert 'data-language="en" data-theme="dark" data-color="#aa3300" data-title="&quot;Sea&quot; &amp; &lt;sky&gt;" integrity=' in line


def sent(client: TestClient, path: str) -> int:
    """Bytes of a response's body on the wire to a browser."""
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip, br"}) as response:
        assert response.status_code == 200, path
        return sum(len(part) for part in response.iter_raw())


def test_what_the_widget_weighs_on_the_wire(client: TestClient, sites: Sites) -> None:
    path = f"/embed/site?origin={sites.origin(ALLOWED)}"
    page = client.get(path).text
    parts = re.findall(r'"\.\.(/pages/[\w.-]+)"', page)
    assert len(parts) >= 4
    assert len(gzip.compress(loader())) <= 5_000
    assert sent(client, "/embed.js") <= 5_000
    assert sent(client, path) + sum(sent(client, part) for part in parts) <= 30_000


def test_nothing_of_the_widget_writes_markup_evaluates_text_or_names_another_host() -> None:
    scripts = [*STATIC.glob("embed*.js"), *STATIC.glob("frame*.js")]
    assert len(scripts) >= 3
    for path in scripts:
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(\s*[\"'`]", text), (
            path
        )
        assert set(re.findall(r"https?://[\w.-]+", text)) <= {"https://HOST", "http://www.w3.org"}, path


def test_the_words_of_the_widget_are_there_in_both_languages_and_all_used() -> None:
    assert EMBED_TEXTS["id"].keys() == EMBED_TEXTS["en"].keys()
    used = "".join(path.read_text("utf-8") for path in [*STATIC.glob("frame*"), *STATIC.glob("embed*")])
    assert [name for name in EMBED_TEXTS["en"] if f"words.{name}" not in used] == []


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:7860", 200),
        ("::1", "localhost:7860", 200),
        ("203.0.113.7", "127.0.0.1", 404),
        ("127.0.0.1", "127.0.0.1 forwarded", 404),
        ("127.0.0.1", "tanya.example", 404),
    ],
)
def test_the_demo_page_is_for_this_machine_only(client: TestClient, address: str, host: str, status: int) -> None:
    host, _, forwarded = host.partition(" ")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await client.app(scope | {FORWARDED: bool(forwarded)}, receive, send)

    here = TestClient(app, f"http://{host}", raise_server_exceptions=False, client=(address, 5000))
    page = here.get("/embed/demo")
    assert page.status_code == status
    if status == 200:
        assert integrity() in page.text
        assert start_of(here.get("/embed/demo", params={"origin": f"http://{host}"}).text)["embed"] == DEMO
        assert here.get("/embed/demo", params={"origin": "http://strange.localhost"}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "address", "status"),
    [
        ("https://tanya.example", "tanya.example", "203.0.113.7", 200),
        ("https://tanya.example", "inner:7860", "203.0.113.7", 200),
        ("http://tanya.example", "tanya.example", "203.0.113.7", 403),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", "127.0.0.1", 200),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", "203.0.113.7", 403),
        ("https://site.localhost", "tanya.example", "203.0.113.7", 403),
    ],
)
def test_our_own_page_is_that_of_the_public_address_and_on_this_machine_that_of_its_own(
    bot: Bot, sites: Sites, origin: str, host: str, address: str, status: int
) -> None:
    config = Config(embeds=embeds(sites), public_url="https://tanya.example/sub")
    here = TestClient(app_of(bot, Door(lambda: config)), f"http://{host}", client=(address, 5000))
    assert ask(here, token(here, sites.origin(ALLOWED)), origin=origin).status_code == status


# --- tanya embed


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.stdout, result.stderr


def test_embed_list_prints_the_line_its_hash_and_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "[[embeds]]" in run("embed", "list")[2]
    Path("tanya.toml").write_text('public_url = "https://tanya.example/sub"\n[[embeds]]\nid = "news"\norigins = ["https://example.org"]')
    code, out, err = run("embed", "list")
    assert code == 0
    line = (
        f'<script src="https://tanya.example/sub/embed.js" data-embed="news" integrity="{integrity()}" crossorigin="anonymous" defer>'
        "</script>"
    )
    assert line in out
    assert err == ""
    assert "script-src https://tanya.example\n" in out
    assert "frame-src https://tanya.example\n" in out
    rows = json.loads(run("embed", "list", "--json")[1])
    assert (rows[0]["id"], rows[0]["line"], rows[0]["integrity"]) == ("news", line, integrity())
    Path("tanya.toml").write_text('[[embeds]]\nid = "news"')
    assert "TANYA_PUBLIC_URL is not set" in run("embed", "list")[2]


SERVER, SITE = "https://tanya.example", "https://example.org"
NEWS = Embed(id="news", origins=(SITE, "https://*.sites.example"))
GOOD = {"Content-Security-Policy": f"default-src 'none'; frame-ancestors {SITE}"}


def fetched(text: str = "", status: int = 200, headers: dict[str, str] | None = None, clock: float = 0.0) -> Fetched:
    message = email.message.Message()
    for name, value in ({"Date": formatdate(1_800_000_000 + clock, usegmt=True)} | (headers or {})).items():
        message[name] = value
    return Fetched(status, message, text, 1_800_000_000.0)


def web(**pages: Fetched) -> Fetch:
    """The server as it should be, and a site without a policy; `loader`, `frame` or `site` replace one of them."""
    there = {
        "loader": fetched(loader().decode(), headers={"Access-Control-Allow-Origin": "*"}),
        "frame": fetched(headers=GOOD),
        "site": fetched("<p>"),
    } | pages

    def fetch(url: str) -> Fetched:
        return there["loader" if url.endswith("/embed.js") else "frame" if "/embed/" in url else "site"]

    return fetch


def mends(origin: str = SITE, server: str = SERVER, embeds: tuple[Embed, ...] = (NEWS,), **pages: Fetched) -> dict[str, str]:
    return {finding.topic: finding.fix for finding in examine(origin, embeds, server, web(**pages)) if finding.fix}


def test_the_doctor_finds_nothing_where_all_is_well() -> None:
    line = f'<script src="{SERVER}/embed.js" data-embed="news" integrity="{integrity()}"></script>'
    assert (
        mends(site=fetched(line, headers={"Content-Security-Policy": f"default-src 'self'; script-src {SERVER}; frame-src {SERVER}"})) == {}
    )
    assert mends() == {}
    nonced = f'<script nonce=abc src="{SERVER}/embed.js" data-embed="news"></script>'
    assert mends(site=fetched(nonced, headers={"Content-Security-Policy": "script-src 'nonce-abc' 'strict-dynamic'"})) == {}


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("http://example.org", "another scheme"),
        ("https://example.org:8443", "another port"),
        ("https://www.example.org", "www."),
        ("https://a.b.sites.example", "exactly one label"),
        ("https://sites.example", "exactly one label"),
        ("https://else.example", ""),
    ],
)
def test_the_doctor_says_what_differs_from_a_listed_origin_and_the_line_to_add(origin: str, said: str) -> None:
    findings = list(examine(origin, (NEWS,), SERVER, web()))
    assert [finding.topic for finding in findings] == ["listed"]
    assert said in findings[0].found
    assert f'origins = ["{SITE}", "https://*.sites.example", "{origin}"]' in (findings[0].fix or "")
    assert f'origins = ["{origin}"]' in mends(origin, embeds=())["listed"]


@pytest.mark.parametrize(
    ("ids", "free"), [([], "site"), (["news", "sea"], "site"), (["news", "site"], "site-2"), (["site-2", "site"], "site-3")]
)
def test_a_new_embed_that_the_doctor_proposes_has_an_id_of_its_own(ids: list[str], free: str) -> None:
    listed = tuple(Embed(id=name) for name in ids)
    assert f'[[embeds]]\nid = "{free}"\n' in mends("https://else.example", embeds=listed)["listed"]


@pytest.mark.parametrize(
    ("topic", "fix", "options"),
    [
        ("mixed content", "https://tanya.example", {"server": "http://tanya.example"}),
        ("address", "TANYA_PUBLIC_URL", {"server": "http://127.0.0.1:7860"}),
        ("loader", "/embed.js", {"loader": fetched(status=502)}),
        ("loader", "headers as they are", {"loader": fetched()}),
        ("loader", "no proxy rewrite", {"loader": fetched("(() => {})()", headers={"Access-Control-Allow-Origin": "*"})}),
        ("framing", "reload tanya", {"frame": fetched(status=403)}),
        ("framing", "proxy_hide_header X-Frame-Options", {"frame": fetched(headers=GOOD | {"X-Frame-Options": "SAMEORIGIN"})}),
        ("framing", "add none", {"frame": fetched(headers={"Content-Security-Policy": "frame-ancestors 'self'"})}),
        ("framing", "add none", {"frame": fetched()}),
        ("clock", "timedatectl", {"frame": fetched(headers=GOOD, clock=-3600)}),
        ("policy", f"script-src 'self' {SERVER}", {"site": fetched(headers={"Content-Security-Policy": "script-src 'self'"})}),
        (
            "policy",
            f"frame-src {SERVER}",
            {"site": fetched(headers={"Content-Security-Policy": f"script-src {SERVER}; default-src 'none'"})},
        ),
        ("policy", f"frame-src {SERVER}", {"site": fetched('<meta http-equiv="Content-Security-Policy" content="child-src \'none\'">')}),
        (
            "policy",
            f"script-src-elem 'self' {SERVER}",
            {"site": fetched(headers={"Content-Security-Policy": f"script-src {SERVER}; script-src-elem 'self'"})},
        ),
        ("policy", "nonce", {"site": fetched(headers={"Content-Security-Policy": "script-src 'nonce-x' 'strict-dynamic' https:"})}),
        ("sandbox", "allow-same-origin", {"site": fetched(headers={"Content-Security-Policy": "sandbox allow-scripts"})}),
        ("line", integrity(), {"site": fetched(f'<script src="{SERVER}/embed.js" data-embed="news" integrity="sha384-old"></script>')}),
        ("line", 'data-embed="news"', {"site": fetched(f'<script src="{SERVER}/embed.js" data-embed="old"></script>')}),
    ],
)
def test_the_doctor_names_the_mend(topic: str, fix: str, options: dict[str, Any]) -> None:
    assert fix in mends(**options)[topic]


def test_the_doctor_goes_on_where_a_site_or_a_server_does_not_answer() -> None:
    def silent(url: str) -> Fetched:
        raise OSError("no route")

    findings = list(examine(SITE, (NEWS,), SERVER, silent))
    assert [finding.topic for finding in findings] == ["listed", "address", "server", "site"]
    assert "tanya serve" in (findings[2].fix or "")


def test_embed_doctor_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("embed", "doctor", "https://example.org")
    assert (code, 'origins = ["https://example.org"]' in out) == (1, True)
    assert json.loads(run("embed", "doctor", "https://example.org", "--json")[1])[0]["topic"] == "listed"
    assert run("embed", "doctor", "example.org")[0] == 2
