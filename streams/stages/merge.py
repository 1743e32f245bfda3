"""A draft into the golden record, field by field.

Who wins a field is a policy's matter (`policies`): its owner among the vendors, then the newest version of the vendor's
object; or whoever stands, until a person decides. What an owner leaves empty is empty; what another vendor leaves empty
says nothing. Provenance keeps who set a field, so that an older or repeated version never moves it back; `conflicts`
keeps what was refused. Opt-outs only ever come true, lists of addresses and numbers only grow.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.kafka.records import Entity
from streams.stages import conflicts, normalise
from streams.stages.conflicts import Source
from streams.stages.mapping import Draft, Ref, schema
from streams.stages.policies import REFERENCES, SHIPPED, STICKY, UNIONS, Policies, Policy

GROWING = frozenset(name for _, name in UNIONS)
ONLY_TRUE = frozenset(name for _, name in STICKY)


def fresh(entity: str, tenant: str, id_: str) -> Entity:
    """Return a record with nothing in it, version 0."""
    defaults = {name: _copy(value) for name, value in schema.empty(entity).items()}
    return {"id": id_, "tenant": tenant, "version": 0, "changed_at": None, **defaults}


def _copy(value: Any) -> Any:
    return type(value)(value) if isinstance(value, list | dict) else value


def merge(
    record: Entity,
    draft: Draft,
    version: str,
    policies: Policies = SHIPPED,
    waits: Callable[[str], object] = lambda _path: None,
) -> Entity:
    """Return the record with what the draft may set; no argument is changed.

    Of references only who set them is noted; `references` then fills those that the draft may set.

    Args:
        record: as it stands.
        draft: what an object says.
        version: of the object.
        policies: of the tenant.
        waits: whether an empty reference of the record, by field, is only waiting for what it names.
    """
    merged = _copied(record)
    source = Source(draft.ref.vendor, draft.ref.object, version)
    said, before = str(source), f"{source.vendor}/{source.object}/"
    provenance, empty, disputed = merged["provenance"], schema.empty(draft.entity), bool(record.get(conflicts.FIELD))
    for name, value in draft.fields.items():
        known = provenance.get(name)
        anew = known is not None and known.startswith(before) and known <= said
        # In short, what is usual: an object says anew what it said last, and nobody else said otherwise.
        if anew and name in GROWING:
            if value:
                merged[name], provenance[name] = _grown(merged[name], value, wins=True), said
        elif anew and not disputed and name not in ONLY_TRUE:
            merged[name], provenance[name] = value if value is not None else empty[name], said
        else:
            _merge_field(merged, draft.entity, name, value, source, policies)
    for name, value in draft.custom.items():
        _merge_custom(merged, draft.entity, name, value, source, policies)
    for path, ref in draft.links.items():
        if "/" not in path:
            stands = merged[path] or (path in provenance and waits(path))
            decides(merged, path, ref, stands or None, source, policies.of(draft.entity, path))
    merged["refs"] = with_ref(record["refs"], draft.ref)
    return merged


def joined(survivor: Entity, loser: Entity, policies: Policies = SHIPPED, entity: str = "party") -> Entity:
    """Return what a record becomes when another turns out to be the same; neither argument is changed.

    Field by field the same rules decide as between two vendors' records, by who set each; references stay for
    `references` to judge.
    """
    merged = _copied(survivor)
    for name, said in loser["provenance"].items():
        source, custom = Source.parse(said), name.removeprefix("custom.")
        if name in REFERENCES:
            continue
        if custom == name:
            _merge_field(merged, entity, name, loser[name], source, policies)
        else:
            _merge_custom(merged, entity, custom, loser["custom"].get(custom), source, policies)
    for entry in loser[conflicts.FIELD]:
        field, by = entry["field"], Source.parse(entry["refused_by"])
        if by.vendor != Source.parse(merged["provenance"][field]).vendor:
            policy = policies.of(entity, field)
            conflicts.refuse(merged, field, policy, value_of(merged, field), json.loads(entry["refused"]), by)
    merged["refs"] = sorted(
        [*survivor["refs"], *(ref for ref in loser["refs"] if ref not in survivor["refs"])], key=_place
    )
    return merged


def parted(now: Entity, before: Entity, former: Entity, entity: str = "party") -> tuple[Entity, Entity]:
    """Return what survivor and loser of a merge are when it is undone.

    A field goes to the one whose vendor's type of object set it. Where that may be either, both are as they were
    before the merge: the vendors' records, read again, then bring them up to date.

    Args:
        now: the survivor as it stands.
        before: the survivor before the merge.
        former: the loser before the merge.
        entity: what they are.
    """
    refs = [ref for ref in now["refs"] if ref not in former["refs"]]
    mine, theirs = _types(refs), _types(former["refs"])
    survivor, loser = _copied({**now, "refs": refs}), _copied(former)
    for name in (*schema.empty(entity), *(f"custom.{key}" for key in now["custom"])):
        if name in {"provenance", "conflicts", "custom", "refs", "finance"}:
            continue
        said = now["provenance"].get(name)
        by = _by(said) if said is not None else None
        if (entity, name) in UNIONS:
            lent = {value.casefold() for value in former[name]} - {value.casefold() for value in before[name]}
            survivor[name] = [value for value in now[name] if value.casefold() not in lent]
            if by not in mine - theirs:
                _put(survivor["provenance"], name, before["provenance"])
        elif by not in mine - theirs:
            if by in theirs - mine:
                _hand(loser, now, name)
            _hand(survivor, before, name)
    survivor[conflicts.FIELD] = [
        entry
        for entry in now[conflicts.FIELD]
        if _by(entry["refused_by"]) in mine and entry["field"] in survivor["provenance"]
    ]
    return survivor, loser


def _by(said: str) -> tuple[str, str]:
    source = Source.parse(said)
    return source.vendor, source.object


def _types(refs: list[dict[str, str]]) -> set[tuple[str, str] | None]:
    return {(ref["vendor"], ref["object"]) for ref in refs}


def _copied(record: Entity) -> Entity:
    return {**record, "provenance": dict(record["provenance"]), "custom": dict(record["custom"])}


def _hand(into: Entity, source: Entity, name: str) -> None:
    """Set a field, and who set it, as they are in another record."""
    custom = name.removeprefix("custom.")
    if custom == name:
        into[name] = source[name]
    else:
        _put(into["custom"], custom, source["custom"])
    _put(into["provenance"], name, source["provenance"])


def _put(into: dict[str, Any], name: str, source: Mapping[str, Any]) -> None:
    if name in source:
        into[name] = source[name]
    else:
        into.pop(name, None)


def _merge_field(merged: Entity, entity: str, name: str, value: Any, source: Source, policies: Policies) -> None:
    current = merged[name]
    if (entity, name) in STICKY:
        said = merged["provenance"].get(name)
        if value and (said is None or not current or conflicts.newer(Source.parse(said), source)):
            merged[name], merged["provenance"][name] = True, str(source)
        return
    policy = policies.of(entity, name)
    if (entity, name) in UNIONS:
        wins = bool(value) and decides(merged, name, value, current, source, policy)
        merged[name] = _grown(current, value or [], wins=wins)
    elif _decided(merged, name, value, current, source, policy):
        merged[name] = value if value is not None else schema.empty(entity)[name]


def _merge_custom(merged: Entity, entity: str, name: str, value: Any, source: Source, policies: Policies) -> None:
    field, current = f"custom.{name}", merged["custom"].get(name)
    if _decided(merged, field, value, current, source, policies.of(entity, field)):
        merged["custom"][name] = value


def _grown(current: list[str], value: list[str], *, wins: bool) -> list[str]:
    """Return a list that was made by `_union` with what somebody says, who stands first if that wins."""
    if all(one in current for one in value) and (not wins or value[0] == current[0]):
        return current
    return _union(value, current) if wins else _union(current, value)


def _union(preferred: list[str], others: list[str]) -> list[str]:
    """Return the first of the preferred, then all else in order of text, whatever the case of letters only once.

    A telephone number typed without its country gives way to the same in E.164. One set of sources so makes one list,
    in whichever order they come.
    """
    values = sorted({*preferred, *others})
    standard = _standards(values)
    found = {value.casefold(): value for value in [standard.get(value, value) for value in preferred[:1]]}
    for value in values:
        if value not in standard:
            found.setdefault(value.casefold(), value)
    return list(found.values())


def _standards(values: list[str]) -> Mapping[str, str]:
    """Return the E.164 form of the values that are typed without their country, where that is among the values."""
    return {
        typed: value
        for typed in values
        if not typed.startswith("+") and "@" not in typed
        for value in reversed(values)
        if normalise.is_national(typed, value)
    }


def _decided(record: Entity, name: str, value: Any, current: Any, source: Source, policy: Policy) -> bool:
    """Tell whether `source` sets the field; what is refused or displaced by another system is noted as a conflict."""
    said = record["provenance"].get(name)
    wins = decides(record, name, value, current, source, policy)
    if said is None or conflicts.FIELD not in record or (value == current and not record[conflicts.FIELD]):
        return wins
    if wins and record[conflicts.FIELD]:
        conflicts.settle(record, name, value, source)
    if said.startswith(f"{source.vendor}/"):
        return wins
    if wins:
        conflicts.refuse(record, name, policy, value, current, Source.parse(said))
    else:
        conflicts.refuse(record, name, policy, current, value, source)
    return wins


def decides(record: Entity, name: str, value: Any, current: Any, source: Source, policy: Policy) -> bool:
    """Tell whether `source` sets the field, and if so note it as the one who did."""
    said = record["provenance"].get(name)
    if said is None or _beats(source, Source.parse(said), policy, value, current):
        record["provenance"][name] = str(source)
        return True
    return False


def _beats(mine: Source, theirs: Source, policy: Policy, value: Any, current: Any) -> bool:
    if mine[:2] == theirs[:2]:
        return mine.version >= theirs.version
    owner = policy.owner
    if owner and mine.vendor == owner != theirs.vendor:
        return True
    if value is None or (owner and theirs.vendor == owner != mine.vendor):
        return False
    if current is None:
        return True
    if policy.holds and mine.vendor != theirs.vendor:
        return False
    return conflicts.newer(mine, theirs)


def with_value(record: Entity, field: str, value: Any, source: Source, policy: Policy) -> Entity:
    """Return the record with a value that somebody chose; what stood before is a conflict now."""
    former, said = value_of(record, field), Source.parse(record["provenance"][field])
    chosen, custom = _copied(record), field.removeprefix("custom.")
    if custom == field:
        chosen[field] = value
    else:
        chosen["custom"][custom] = value
    chosen["provenance"][field] = str(source)
    conflicts.settle(chosen, field, value, source)
    conflicts.refuse(chosen, field, policy, value, former, said)
    return chosen


def value_of(record: Entity, field: str) -> Any:
    """Return what stands in a field, a custom one included."""
    custom = field.removeprefix("custom.")
    return record[field] if custom == field else record["custom"].get(custom)


def with_ref(refs: list[dict[str, str]], ref: Ref) -> list[dict[str, str]]:
    """Return the references with one more, in order."""
    mine = {"vendor": ref.vendor, "object": ref.object, "id": ref.id}
    return sorted([*refs, mine], key=_place) if mine not in refs else refs


def remote_id(record: Entity, vendor: str, object_type: str) -> str | None:
    """Return a vendor's id of a record, None if the vendor does not know it."""
    found = (ref["id"] for ref in record["refs"] if (ref["vendor"], ref["object"]) == (vendor, object_type))
    return next(found, None)


def siblings(record: Entity, ref: Ref) -> Iterator[Ref]:
    """Yield the other objects of a reference's vendor and type that are the same record."""
    for other in record["refs"]:
        if (other["vendor"], other["object"]) == (ref.vendor, ref.object) and other["id"] != ref.id:
            yield Ref(ref.vendor, ref.object, other["id"])


def without_ref(refs: list[dict[str, str]], ref: Ref) -> list[dict[str, str]]:
    """Return the references with one less."""
    mine = {"vendor": ref.vendor, "object": ref.object, "id": ref.id}
    return [other for other in refs if other != mine]


def _place(ref: dict[str, str]) -> tuple[str, str, str]:
    return ref["vendor"], ref["object"], ref["id"]
