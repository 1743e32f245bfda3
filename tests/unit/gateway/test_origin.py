"""Who sent a request, whatever the proxies and the sender write."""

from collections.abc import Sequence

import pytest

from streams.gateway.origin import network, sender

PROXIES = [network("10.0.0.0/8"), network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["1.1.1.1"], "203.0.113.9"),  # not a proxy: its word is not heard
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),  # the first was the sender's own invention
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),  # two proxies, the header repeated
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, unknown"], None),
        ("10.0.0.1", [], "10.0.0.1"),
        ("", [], None),
    ],
)
def test_the_sender_is_the_last_hop_that_is_no_proxy(peer: str, forwarded: Sequence[str], expected: str | None) -> None:
    """Read from the right, as long as a trusted proxy speaks."""
    found = sender(peer, forwarded, PROXIES)
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "*", "proxy.test", "10.0.0.1/8"])
def test_nobody_trusts_everybody(text: str) -> None:
    """Every address, a name or a range with host bits is refused as a setting."""
    with pytest.raises(ValueError, match=r"address|host bits|network"):
        network(text)
