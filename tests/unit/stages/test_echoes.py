"""What a vendor's answer says of the fields that we wrote is our own word, as long as it says the same."""

from connectors.kafka.codec import Codec
from streams.stages import echoes
from streams.stages.mapping import Templates
from streams.stages.mapping.inbound import draft
from streams.stages.tables import Rows
from tests.unit.stages.kit import TENANT, MemoryState


def test_what_we_wrote_before_stays_ours_when_a_later_write_leaves_it_out(templates: Templates, codec: Codec) -> None:
    """The vendor still has it, and repeats it; once it says something else, it speaks for itself."""
    template, rows = templates.named("pardot/prospect"), Rows(TENANT, MemoryState(), codec)

    def said(company: str) -> set[str]:
        body = {"id": 9, "updatedAt": "2026-03-01T10:00:00Z", "email": "a@b.example", "company": company}
        found = draft(template, body, {})
        for written in (("email", "company"), ("email",)) if company == "Acme" else ():
            echoes.note(rows, template, found, written)
        return set(echoes.heard(rows, found).fields)

    assert "company_name" not in said("Acme")
    assert "company_name" in said("Globex")
