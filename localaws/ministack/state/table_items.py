"""DynamoDB's tables as they are kept: each item by itself, and only those that changed.

Every item is put and removed by two functions of MiniStack's, which note here what they did; what
replaces the items of a table as a whole is told by the dictionary being another one.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from localaws.ministack import patches
from localaws.ministack.state.saved_services import Module

TableKey = tuple[str, str, str]
"""Account, region and name."""
Items = dict[str, dict[str, Any]]
"""By partition key and sort key; an item is never changed, but replaced."""


class Tables(Module):
    """DynamoDB. To save a table costs what changed of it, however many items it has."""

    replaced = frozenset({"items"})

    def __init__(self) -> None:
        super().__init__("dynamodb")
        self._changed: deque[tuple[Items, str, str]] = deque()
        self._tables: dict[TableKey, Items] = {}
        self._items = AccountRegionScopedDict()
        self._get_whole, self.get_state = self.get_state, self._get_in_parts
        self._load_whole, self.load_persisted_state = self.load_persisted_state, self._load_parts
        patches.replace(dynamodb, "_set_item", self._noting)
        patches.replace(dynamodb, "_remove_item", self._noting)

    def _noting(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def noted(table: Mapping[str, Any], pk_val: str, sk_val: str, *item: Any) -> Any:
            done = change(table, pk_val, sk_val, *item)
            self._changed.append((table["items"], pk_val, sk_val))
            return done

        return noted

    def _get_in_parts(self) -> Mapping[str, Any]:
        state = self._get_whole()
        tables = AccountRegionScopedDict()
        held: dict[TableKey, Items] = {}
        for key, table in list(state["tables"]._data.items()):
            tables._data[key] = {**table, "items": {}}
            held[key] = table["items"]
        self._follow(held)
        return {**state, "tables": tables, "items": self._items}

    def _follow(self, tables: dict[TableKey, Items]) -> None:
        """Bring ``_items`` up to date with these tables."""
        names: dict[int, TableKey] = {}
        others = {key for key, items in self._tables.items() if tables.get(key) is not items}
        if others:
            rows = self._items._data
            self._items._data = {key: item for key, item in rows.items() if key[:3] not in others}
        for key, items in tables.items():
            names[id(items)] = key
            if self._tables.get(key) is not items:
                for partition, members in list(items.items()):
                    for sort, item in list(members.items()):
                        self._items._data[*key, partition, sort] = item
        self._tables = tables
        while self._changed:
            items, partition, sort = self._changed.popleft()
            table = names.get(id(items))
            if table is None:
                continue  # of a table that is gone
            item = items.get(partition, {}).get(sort)
            if item is None:
                self._items._data.pop((*table, partition, sort), None)
            else:
                self._items._data[*table, partition, sort] = item

    def _load_parts(self, state: Mapping[str, Any]) -> None:
        tables = state["tables"]._data
        for (account_id, region, name, partition, sort), item in state["items"]._data.items():
            table = tables.get((account_id, region, name))
            if table is not None:
                table["items"].setdefault(partition, {})[sort] = item
        self._load_whole({part: value for part, value in state.items() if part != "items"})
