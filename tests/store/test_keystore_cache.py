"""Keys are remembered briefly, in bounded number, and not past their destruction."""

from __future__ import annotations

import pytest

from postern.keystore.cache import KeyCache


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> KeyCache[str]:
    return KeyCache(size=3, seconds=30, now=clock)


def test_nothing_is_found_in_an_empty_cache(cache: KeyCache[str]) -> None:
    assert cache.get("a") is None


def test_a_kept_key_is_found_until_it_is_too_old(cache: KeyCache[str], clock: Clock) -> None:
    cache.keep("a", "key", read_in=cache.generation)
    clock.seconds = 29.9
    assert cache.get("a") == "key"
    clock.seconds = 30
    assert cache.get("a") is None


def test_using_a_key_does_not_make_it_live_longer(cache: KeyCache[str], clock: Clock) -> None:
    cache.keep("a", "key", read_in=cache.generation)
    for clock.seconds in (10, 20, 29):
        assert cache.get("a") == "key"
    clock.seconds = 31
    assert cache.get("a") is None


def test_the_least_recently_used_key_leaves_first(cache: KeyCache[str]) -> None:
    for name in "abc":
        cache.keep(name, name, read_in=cache.generation)
    cache.get("a")
    cache.keep("d", "d", read_in=cache.generation)

    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"]


def test_a_dropped_key_is_gone_at_once_and_others_stay(cache: KeyCache[str]) -> None:
    for name in "abc":
        cache.keep(name, name, read_in=cache.generation)
    cache.drop({"a", "c"}.__contains__)

    assert [name for name in "abc" if cache.get(name)] == ["b"]


def test_a_key_read_before_a_destruction_is_not_kept_after_it(cache: KeyCache[str]) -> None:
    reading = cache.generation
    cache.drop({"a"}.__contains__)  # destroyed while the other task waited for the database
    cache.keep("a", "key", read_in=reading)

    assert cache.get("a") is None
