"""The realm's keys: kept, fetched again sparingly, and done without for as long as tokens live."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from jwcrypto.jwk import JWK, JWKSet

from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.keys import KeysUnavailableError, RealmKeys, SigningKeys
from claims_pipeline.upload_api.keycloak.tokens import TokenVerifier
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer, make_key, running_issuer


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Realm:
    """Publishes key ids, or is down; counts how often it is asked."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids = set(key_ids)
        self.is_down = False
        self.fetches = 0

    def fetch(self) -> RealmKeys:
        self.fetches += 1
        if self.is_down:
            raise KeysUnavailableError("down")
        return RealmKeys(issuer="realm", keys=JWKSet(), key_ids=frozenset(self.key_ids))


def knows(keys: SigningKeys, key_id: str) -> bool:
    return key_id in keys.for_key_id(key_id).key_ids


def test_keys_are_fetched_once_and_then_at_hand() -> None:
    realm, clock = Realm("a"), Clock()
    keys = SigningKeys(realm.fetch, clock=clock)
    for _ in range(100):
        assert knows(keys, "a")
        clock.now_s += 1
    assert realm.fetches == 1


def test_a_thousand_unknown_keys_cost_one_fetch_in_half_a_minute() -> None:
    realm, clock = Realm("a"), Clock()
    keys = SigningKeys(realm.fetch, clock=clock)
    assert knows(keys, "a")
    clock.now_s += 30
    with ThreadPoolExecutor(16) as threads:
        assert not any(threads.map(lambda n: knows(keys, f"unknown-{n}"), range(1000)))
    assert realm.fetches == 2
    clock.now_s += 29.9
    assert not knows(keys, "unknown")
    assert realm.fetches == 2
    clock.now_s += 0.1
    assert not knows(keys, "unknown")
    assert realm.fetches == 3


def test_a_new_key_is_accepted_within_half_a_minute_even_under_unknown_ones() -> None:
    realm, clock = Realm("a"), Clock()
    keys = SigningKeys(realm.fetch, clock=clock)
    assert knows(keys, "a")
    clock.now_s += 30
    assert not knows(keys, "unknown")
    realm.key_ids.add("b")
    clock.now_s += 30
    assert knows(keys, "b")


def test_a_removed_key_is_refused_within_five_minutes() -> None:
    realm, clock = Realm("a", "b"), Clock()
    keys = SigningKeys(realm.fetch, clock=clock)
    assert knows(keys, "a")
    realm.key_ids.remove("a")
    refused_after_s = 0
    while knows(keys, "a"):
        clock.now_s += 10
        refused_after_s += 10
    assert refused_after_s <= 300


def test_a_removed_key_is_refused_within_five_minutes_even_while_the_realm_is_down() -> None:
    realm, clock = Realm("a"), Clock()
    keys = SigningKeys(realm.fetch, clock=clock)
    assert knows(keys, "a")
    realm.is_down = True
    clock.now_s += 300
    with pytest.raises(ApiError) as caught:
        keys.for_key_id("a")
    assert caught.value.status == 503


def test_warm_keys_serve_while_the_realm_is_down() -> None:
    realm, clock = Realm("a"), Clock()
    keys = SigningKeys(realm.fetch, clock=clock)
    assert knows(keys, "a")
    realm.is_down = True
    for _ in range(28):
        clock.now_s += 10
        assert knows(keys, "a")
    # After two minutes it is asked again, and no more than once in half a minute.
    assert realm.fetches <= 7


def test_without_keys_the_answer_is_503_and_the_realm_is_not_hammered() -> None:
    realm, clock = Realm("a"), Clock()
    realm.is_down = True
    keys = SigningKeys(realm.fetch, clock=clock)
    for _ in range(20):
        with pytest.raises(ApiError) as caught:
            keys.for_key_id("a")
    assert (caught.value.status, caught.value.code) == (503, "identity_unavailable")
    assert caught.value.headers["Retry-After"] == "5"
    assert realm.fetches == 1
    realm.is_down = False
    clock.now_s += 5
    assert knows(keys, "a")


def test_one_slow_fetch_serves_all_who_wait_for_it() -> None:
    realm = Realm("a")
    asked, answering = threading.Event(), threading.Event()

    def slow_fetch() -> RealmKeys:
        asked.set()
        assert answering.wait(10)
        return realm.fetch()

    keys = SigningKeys(slow_fetch, clock=Clock())
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(knows, keys, "a") for _ in range(8)]
        assert asked.wait(10)
        answering.set()
        assert all(future.result() for future in waiting)
    assert realm.fetches == 1


def test_a_refresh_under_way_keeps_nobody_waiting() -> None:
    realm, clock = Realm("a"), Clock()
    asked, answering = threading.Event(), threading.Event()
    answering.set()

    def fetch() -> RealmKeys:
        asked.set()
        assert answering.wait(10)
        return realm.fetch()

    keys = SigningKeys(fetch, clock=clock)
    assert knows(keys, "a")
    asked.clear()
    answering.clear()
    clock.now_s += 130
    with ThreadPoolExecutor(1) as threads:
        refreshing = threads.submit(knows, keys, "a")
        assert asked.wait(10)
        assert knows(keys, "a")
        answering.set()
        assert refreshing.result()
    assert realm.fetches == 2


def verifier_of(issuer: Issuer, clock: Clock) -> TokenVerifier:
    return TokenVerifier(load_settings(issuer.settings()), clock=clock)


def test_an_issuer_that_is_down_is_done_without_while_keys_are_warm_and_503_when_cold() -> None:
    with running_issuer() as issuer:
        warm, cold = verifier_of(issuer, Clock()), verifier_of(issuer, Clock())
        assert warm.verify(issuer.token()).user_id == "analyst-1"
        issuer.stop()
        assert warm.verify(issuer.token()).user_id == "analyst-1"
        with pytest.raises(ApiError) as caught:
            cold.verify(issuer.token())
        assert caught.value.status == 503


def test_a_rotated_key_signs_and_a_removed_one_no_longer() -> None:
    clock = Clock()
    with running_issuer() as issuer:
        verifier = verifier_of(issuer, clock)
        old = issuer.token()
        verifier.verify(old)
        issuer.rotate()
        clock.now_s += 30
        verifier.verify(issuer.token())
        verifier.verify(old)
        del issuer.keys[0]
        clock.now_s += 300
        verifier.verify(issuer.token())
        with pytest.raises(ApiError) as caught:
            verifier.verify(old)
        assert caught.value.status == 401


def test_what_is_no_signing_key_is_not_used() -> None:
    with running_issuer() as issuer:
        encrypting = make_key("encrypting")
        published = {**encrypting.export_public(as_dict=True), "use": "enc"}
        issuer.keys = [JWK(**published), issuer.keys[0]]
        verifier = verifier_of(issuer, Clock())
        assert verifier.verify(issuer.token()).user_id == "analyst-1"
        with pytest.raises(ApiError):
            verifier.verify(issuer.token(key=encrypting))


@pytest.mark.parametrize(
    "answer", [None, {}, {"keys": []}, {"keys": [{"kty": "RSA"}]}, {"keys": 7}]
)
def test_an_answer_that_holds_no_keys_is_like_none(answer: dict[str, object] | None) -> None:
    class Broken(Issuer):
        def answer(self, path: str) -> dict[str, object] | None:
            return answer if path.endswith("/certs") else super().answer(path)

    issuer = Broken()
    issuer.start()
    try:
        with pytest.raises(ApiError) as caught:
            verifier_of(issuer, Clock()).verify(issuer.token())
        assert caught.value.status == 503
    finally:
        issuer.stop()
