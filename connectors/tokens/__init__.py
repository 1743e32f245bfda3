"""Where the secrets of connections are kept: encrypted files, PostgreSQL, Vault; and memory for tests."""

from connectors.tokens.files import FileTokenStore
from connectors.tokens.memory import MemoryTokenStore

__all__ = ["FileTokenStore", "MemoryTokenStore"]
