"""The vendors a sandbox can play: name -> (default port, factory). A vendor is added by one line here."""

from collections.abc import Mapping

from connectors.sandbox.context import Build

VENDORS: Mapping[str, tuple[int, Build]] = {}
