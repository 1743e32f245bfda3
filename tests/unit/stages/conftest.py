"""A tenant on the shipped templates."""

from pathlib import Path

import pytest

import connectors
from connectors.kafka.codec import Codec, LocalIds
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import Company


@pytest.fixture(scope="session")
def templates() -> Templates:
    """The shipped templates."""
    return Templates.load(Path(connectors.__file__).parent)


@pytest.fixture(scope="session")
def codec() -> Codec:
    """A codec without a registry."""
    return Codec(LocalIds())


@pytest.fixture
def company(templates: Templates, codec: Codec) -> Company:
    """A tenant that is connected to nothing yet."""
    return Company(Pipeline(codec, templates))
