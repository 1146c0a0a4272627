from __future__ import annotations

from proxy.control.cookies import LIFETIME, Cookies

TOKENS = {"viewer": "v", "operator": "o"}


def test_a_cookie_gives_the_role_it_was_made_for() -> None:
    cookies = Cookies(TOKENS)

    assert cookies.role(cookies.issue("viewer")) == "viewer"
    assert cookies.role(cookies.issue("operator")) == "operator"


def test_a_cookie_that_was_changed_gives_none() -> None:
    cookies = Cookies(TOKENS)
    value = cookies.issue("viewer")
    role, expiry, nonce, signature = value.split(".")

    for forged in (
        "",
        "viewer",
        f"operator.{expiry}.{nonce}.{signature}",
        f"viewer.{int(expiry) + 1}.{nonce}.{signature}",
        f"{role}.{expiry}.{nonce}.",
        f"{role}.{expiry}.{nonce}.\udcff",
        f"nobody.{expiry}.{nonce}.{signature}",
    ):
        assert cookies.role(forged) is None


def test_a_cookie_ends_with_its_time_its_token_and_its_process() -> None:
    now = [1_000.0]
    cookies = Cookies(TOKENS, clock=lambda: now[0])
    value = cookies.issue("viewer")
    now[0] += LIFETIME - 1
    assert cookies.role(value) == "viewer"
    now[0] += 2
    assert cookies.role(value) is None

    fresh = cookies.issue("viewer")
    changed = Cookies({**TOKENS, "viewer": "w"}, clock=lambda: now[0])
    changed._secret = cookies._secret
    assert changed.role(fresh) is None
    assert changed.role(cookies.issue("operator")) == "operator"
    assert Cookies(TOKENS, clock=lambda: now[0]).role(fresh) is None


def test_a_form_token_belongs_to_one_cookie() -> None:
    cookies = Cookies(TOKENS)
    one, other = cookies.issue("viewer"), cookies.issue("viewer")

    assert cookies.form_token(one) == cookies.form_token(one)
    assert len({cookies.form_token(each) for each in (one, other, "")}) == 3
