"""Are two records one party? Pure: traits of a record, keys that bring like ones together, a score, a verdict."""

from streams.stages.matching.index import Index
from streams.stages.matching.matcher import Band, Candidate, Verdict, judge
from streams.stages.matching.score import Score, compare
from streams.stages.matching.traits import ORGANISATION, PERSON, Traits

__all__ = ["ORGANISATION", "PERSON", "Band", "Candidate", "Index", "Score", "Traits", "Verdict", "compare", "judge"]
