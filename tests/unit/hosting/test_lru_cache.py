import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from localaws.hosting.lru_cache import LruCache

NAMES = st.sampled_from("abcdefgh")


def cache_of(*names: str, capacity: int = 10, size: int = 2) -> LruCache[str]:
    cache: LruCache[str] = LruCache(capacity)
    for name in names:
        cache.put(name, name.upper(), size)
    return cache


def test_the_least_recently_used_entry_goes_first() -> None:
    cache = cache_of("a", "b", "c", capacity=6)
    cache.get("a")
    assert cache.make_room(2) == ["b"]


def test_as_many_entries_go_as_are_needed_and_no_more() -> None:
    assert cache_of("a", "b", "c", capacity=6).make_room(3) == ["a", "b"]


def test_nothing_goes_while_there_is_room() -> None:
    assert cache_of("a", capacity=4).make_room(2) == []


def test_an_entry_in_use_stays() -> None:
    cache = cache_of("a", "b", capacity=4)
    cache.pin("a")
    assert cache.make_room(2) == ["b"]


def test_an_entry_pinned_twice_stays_until_it_is_unpinned_twice() -> None:
    cache = cache_of("a", capacity=2)
    cache.pin("a")
    cache.pin("a")
    cache.unpin("a")
    assert cache.make_room(2) is None
    cache.unpin("a")
    assert cache.make_room(2) == ["a"]


def test_what_is_larger_than_the_cache_never_fits() -> None:
    assert cache_of("a").make_room(11) is None


def test_making_room_changes_nothing_by_itself() -> None:
    cache = cache_of("a", "b", capacity=4)
    cache.make_room(4)
    assert cache.names() == ["a", "b"]


def test_a_name_can_be_added_once() -> None:
    with pytest.raises(ValueError, match="already"):
        cache_of("a").put("a", "again", 1)


class Books(RuleBasedStateMachine):
    """The cache against a list in order of use, for any sequence of calls."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.sizes: dict[str, int] = {}
        self.pins: dict[str, int] = {}

    @initialize(capacity=st.integers(1, 20))
    def open(self, capacity: int) -> None:
        self.cache: LruCache[str] = LruCache(capacity)

    @rule(name=NAMES, size=st.integers(0, 8))
    def bring_in(self, name: str, size: int) -> None:
        if name in self.sizes:
            return
        room = self.cache.capacity - sum(self.sizes.values())
        free = sum(self.sizes[n] for n in self.order if not self.pins[n])
        victims = self.cache.make_room(size)
        if victims is None:
            assert size > room + free
            return
        assert size <= room + free
        idle = [n for n in self.order if not self.pins[n]]
        assert victims == idle[: len(victims)]
        for victim in victims:
            self.cache.remove(victim)
            self._forget(victim)
        self.cache.put(name, name.upper(), size)
        self.order.append(name)
        self.sizes[name], self.pins[name] = size, 0

    @rule(name=NAMES)
    def use(self, name: str) -> None:
        assert self.cache.get(name) == (name.upper() if name in self.sizes else None)
        if name in self.sizes:
            self.order.remove(name)
            self.order.append(name)

    @precondition(lambda self: self.order)
    @rule(data=st.data())
    def pin(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.order))
        self.cache.pin(name)
        self.pins[name] += 1

    @precondition(lambda self: any(self.pins.values()))
    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([n for n, pins in self.pins.items() if pins]))
        self.cache.unpin(name)
        self.pins[name] -= 1

    @rule(name=NAMES)
    def take_out(self, name: str) -> None:
        if name in self.sizes:
            assert self.cache.remove(name) == name.upper()
            self._forget(name)

    @invariant()
    def books_agree(self) -> None:
        assert self.cache.names() == self.order
        assert self.cache.used == sum(self.sizes.values()) <= self.cache.capacity
        assert [n for n in self.order if self.cache.is_pinned(n)] == [
            n for n in self.order if self.pins[n]
        ]

    def _forget(self, name: str) -> None:
        self.order.remove(name)
        del self.sizes[name], self.pins[name]


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=40, deadline=None)
