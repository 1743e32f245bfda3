"""The rules by which reading an account resumes."""

from connectors.cursors import SEEN_MOST
from connectors.stripe.cursor import Cursor, decode


def test_the_anchor_moves_over_what_is_settled() -> None:
    """Events behind it are remembered, so that a late one among them is followed and they are not."""
    cursor = Cursor(anchor="evt_0").after_events([("evt_1", 10), ("evt_2", 20), ("evt_3", 30)], settled=15)
    assert (cursor.anchor, cursor.seen) == ("evt_1", {"evt_2": 20, "evt_3": 30})
    later = cursor.after_events([("evt_2", 20), ("evt_late", 14), ("evt_3", 30)], settled=40)
    assert (later.anchor, later.seen) == ("evt_3", {})


def test_the_memory_is_bounded() -> None:
    """More unsettled events than are remembered move the anchor all the same."""
    cursor = Cursor().after_events([(f"evt_{n}", 100) for n in range(SEEN_MOST + 10)], settled=0)
    assert len(cursor.seen) == SEEN_MOST
    assert cursor.anchor == "evt_9"


def test_a_cursor_survives_its_text() -> None:
    """What is written is what is read."""
    cursor = Cursor("evt_1", {"evt_2": 5}, ("price", "customer"), "price_9")
    assert decode(cursor.encode(), "") == cursor
    assert decode(None, "") is None
