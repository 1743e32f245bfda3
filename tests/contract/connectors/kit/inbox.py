"""What becomes of records behind a source: the newest version of each object, as transform would have it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.ports import Fetcher, Raw
from streams.stages.rows import Link
from tests.contract.connectors.kit.driver import Key, SourceDriver


@dataclass
class Inbox:
    """Takes records in the order of their arrival; hints are fetched, as connect does for transform.

    Attributes:
        newest: of every object.
        arrived: how many records came, hints included.
    """

    driver: SourceDriver
    newest: dict[Key, Raw] = field(default_factory=dict)
    arrived: int = 0

    async def take(self, raws: Iterable[Raw], fetcher: Fetcher | None) -> None:
        """Take records in, then what their hints lead to."""
        hints: dict[str, list[str]] = {}
        for raw in raws:
            self.arrived += 1
            if raw.hint and self._is_news(raw):
                hints.setdefault(raw.object, []).append(raw.remote_id)
            elif not raw.hint:
                self._keep(raw)
        for object_type, ids in hints.items():
            assert fetcher is not None, f"a hint at {object_type} needs a fetcher"
            await self.take(await fetcher.fetch(object_type, list(dict.fromkeys(ids))), fetcher)

    def _is_news(self, raw: Raw) -> bool:
        known = self.newest.get((raw.object, raw.remote_id))
        return known is None or raw.version > known.version

    def _keep(self, raw: Raw) -> None:
        """Keep a record by the very rule of transform: older versions are passed over."""
        key = raw.object, raw.remote_id
        known = self.newest.get(key)
        link = Link(source_version=known.version, deleted=known.deleted) if known else Link()
        if not link.newer_than(raw.version) or (raw.undeleted and raw.version == link.source_version):
            self.newest[key] = raw

    def wrong(self, truth: Mapping[Key, Any | None]) -> Sequence[str]:
        """Return what differs from the truth; objects that were never heard of need no deletion."""
        seen = {key: None if raw.deleted else self.driver.content(raw) for key, raw in self.newest.items()}
        missing = [f"{key} is missing" for key, content in truth.items() if content is not None and key not in seen]
        differs = [
            f"{key}: {seen[key]!r}, not {truth[key]!r}" for key in seen.keys() & truth.keys() if seen[key] != truth[key]
        ]
        invented = [
            f"{key} does not exist" for key, content in seen.items() if content is not None and key not in truth
        ]
        return [*missing, *differs, *invented]
