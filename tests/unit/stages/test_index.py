"""After whatever history the matcher's index holds just what the crosswalk rows say that records are compared by."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.errors import MappingError
from connectors.kafka.codec import Codec
from connectors.kafka.records import Decision
from streams.stages.mapping import Templates
from streams.stages.matching import Traits, index
from streams.stages.matching.keys import VERSION, keys
from streams.stages.pipeline import Pipeline
from streams.stages.tables import SEPARATOR, Rows
from tests.unit.stages.kit import AT, TENANT, Company, at, envelope, version

Some = list[str | None]
FIRST: Some = ["Ann", "Łuka", "e\u0301", "李", None]
LAST: Some = ["Lee", "\u0301", "Muller", "王"]
FIRM: Some = ["Acme", "Globex", None]
MAIL: Some = ["annabelle@one.example", "annabelle@two.example", "ann123456@x.example", "max 123456", None]
TEL: Some = ["(415) 555-2671", "415 555 2671 ext 4", "(332) 555-2671", None]
OTHER = """\
name: pardot/prospect
version: 1
direction: inbound
object: Prospect
entity: product
source: [id, updatedAt, lastName]
id: source.id
source_version: instant(source.updatedAt)
fields: {name: {value: text(source.lastName), required: true}}
"""
"""A company that reads prospects as something else."""
FEW = 3
"""So many records a bucket holds here, that some are full."""
Step = tuple[str, str, int, tuple[int, int, int, int]]


def said(kind: str, id_: int, second: int, about: Sequence[int]) -> tuple[str, str, str, dict[str, Any], str]:
    """Return vendor, type, id, body and version of what a vendor says of somebody."""
    first, last, mail, tel = (some[n % len(some)] for some, n in zip((FIRST, LAST, MAIL, TEL), about, strict=True))
    firm, other = FIRM[about[0] % len(FIRM)], None if about[1] % 4 else str(id_)
    crm = {"FirstName": first, "LastName": last, "Email": mail, "Phone": tel, "MobilePhone": TEL[about[1] % len(TEL)]}
    bodies: Mapping[str, tuple[str, str, str, dict[str, Any]]] = {
        "contact": ("salesforce", "Contact", f"003{id_}", {"Id": f"003{id_}", **crm}),
        "lead": ("salesforce", "Lead", f"00Q{id_}",
                 {"Id": f"00Q{id_}", **crm, "Company": firm, "ConvertedContactId": other and f"003{other}"}),
        "prospect": ("pardot", "Prospect", f"{id_}",
                     {"id": id_, "firstName": first, "lastName": last, "company": firm, "email": mail,
                      "salesforceLeadId": other and f"00Q{other}"}),
        # With a company's name it is an organisation, without one a person.
        "customer": ("quickbooks", "Customer", f"5{id_}",
                     {**envelope(f"5{id_}", second), "DisplayName": f"{first} {last}", "GivenName": first,
                      "FamilyName": last, "CompanyName": firm, "PrimaryEmailAddr": {"Address": mail},
                      "PrimaryPhone": {"FreeFormNumber": tel}, "WebAddr": {"URI": "https://acme.example"}}),
    }  # fmt: skip
    return *bodies[kind], version(second) if kind == "customer" else at(second)


def take(company: Company, step: Step, second: int) -> None:
    """Let one thing happen, if it can."""
    what, kind, id_, about = step
    vendor, name, remote_id, body, newer = said(kind, id_, second, about)
    parties = sorted(company.latest("party"))
    if what == "connect":
        company.connect(revision=second + 2, mappings={"pardot/prospect": OTHER} if id_ else {})
    elif what in {"merge", "split"} and parties:
        one, other = (parties[n % len(parties)] for n in about[:2])
        company.take(Decision(TENANT, what, AT, party=one, other=other))
    elif what in {"gone", "merged"}:
        into = said(kind, 1 - id_, second, about)[2] if what == "merged" else ""
        company.record(vendor, name, {}, newer, remote_id=remote_id, deleted=True, merged_into=into)
    else:
        company.record(vendor, name, body, newer, remote_id=remote_id, undeleted=what == "back")


def stands(rows: Rows) -> dict[str, list[str]]:
    """Return what the index must hold: by key, mark and name of each record that the crosswalk has traits of."""
    found: dict[str, list[str]] = {}
    for parts, link in rows.links.scan():
        assert (link.keyed == VERSION) == bool(link.traits)
        for key, mark in keys(Traits.unpacked(link.traits)).items() if link.traits else ():
            found.setdefault(key, []).append(mark + SEPARATOR.join(parts))
    return found


WHAT = st.sampled_from(["said"] * 6 + ["back", "gone", "merged", "merge", "split", "connect"])
STEPS = st.lists(
    st.tuples(
        WHAT, st.sampled_from(["contact", "lead", "prospect", "customer"]), st.integers(0, 1),
        st.tuples(*[st.integers(0, 4)] * 4),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(STEPS)
@example(
    [
        ("said", "prospect", 0, (0, 0, 0, 0)), ("connect", "prospect", 1, (0, 0, 0, 0)),
        ("said", "prospect", 0, (0, 0, 0, 0)), ("gone", "prospect", 0, (0, 0, 0, 0)),
    ]
)  # fmt: skip
def test_the_index_is_what_the_crosswalk_says(templates: Templates, codec: Codec, steps: list[Step]) -> None:
    """Who changes, also in kind, goes, comes back, is merged, split or read otherwise leaves nothing behind."""
    company = Company(Pipeline(codec, templates))
    company.connect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BUCKET", FEW)
        for second, step in enumerate(steps):
            try:
                take(company, step, second)
            except MappingError:  # nothing to split; what is no product
                continue
            rows = Rows(TENANT, company.state, codec)
            expected = stands(rows)
            held = {parts[0]: row for parts, row in rows.blocks.scan()}
            assert expected.keys() <= held.keys()
            for key, row in held.items():
                assert row.full or sorted(row.records) == sorted(expected.get(key, [])), key
