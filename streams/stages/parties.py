"""Parties that turn out to be one, or not: joined, parted, asked about. Nothing is lost that a person may want back.

The loser of a merge keeps its record, with `merged_into`; its references lead to the survivor. What both were before is
kept beside, so that a split restores the former party under its former id.
"""

from collections.abc import Iterator, Sequence
from uuid import uuid5

from msgspec import structs

from connectors.errors import MappingError
from connectors.kafka.records import Decision, Entity
from connectors.wire import dumps
from streams.stages import commands, deciders, prospects, references, reviews
from streams.stages.identity import NAMESPACE, Resolution, past
from streams.stages.mapping import Draft, Ref
from streams.stages.matching import Band, Candidate, Verdict
from streams.stages.merge import joined, parted, remote_id
from streams.stages.rows import Apart, Question
from streams.stages.work import Work

PARTY = "party"
KIND = "identity"
"""Of questions about who is who."""
BOOKS = ("invoice", "payment")
COUNTED = (*BOOKS, "order", "subscription")
"""Entities of which a customer's figures are made."""
SAID = ("", "/contact")
"""How our names of the vendors' objects to which a party is told end."""


def settle(work: Work, draft: Draft, resolution: Resolution) -> str:
    """Keep the matcher's index, follow what the draft says it is the same as, ask what is doubtful; return the id."""
    id_ = resolution.id
    news = work.records.stand(draft)
    for named in draft.same_as:
        ref, known = past.standing(work.rows, named)
        if known.id is None and not known.deleted:
            expect(work, ref, PARTY, id_)
        elif known.entity == PARTY and known.id is not None:
            id_ = join(work, id_, known.id)
    if resolution.doubt is not None:
        ask(work, id_, resolution.doubt)
    elif news is not None:
        verdict = work.records.verdict(draft.ref, news, own=id_)
        if verdict.band is not Band.NEW:
            ask(work, id_, verdict)
    return id_


def expect(work: Work, ref: Ref, entity: str, id_: str) -> None:
    """Let an object that has not come yet be this record when it does."""
    work.link(ref, entity, id_, "")
    references.arrived(work, ref, id_)


def follow(work: Work, ref: Ref, into: Ref) -> None:
    """Take in that a vendor merged an object into another: theirs are one party, if both are there.

    Who names the object means the other from now on, though the news may be older than what is known.
    """
    past.merged(work.rows, ref, into)
    entity, id_, _ = past.known(work.rows, ref)
    heir, link = past.standing(work.rows, into)
    if entity is not None and id_ is not None and link.id is None and not link.deleted:
        expect(work, heir, entity, id_)
    elif id_ is not None and link.id is not None and entity == link.entity == PARTY:
        join(work, id_, link.id)


def followed(work: Work, ref: Ref, into: Ref) -> None:
    """Let what was said of an object that its vendor merged, and that is gone now, lead to what the other is."""
    entity, id_, _ = past.known(work.rows, ref)
    kind, other, _ = past.known(work.rows, past.standing(work.rows, into)[0])
    if entity is not None and entity == kind and id_ is not None and other is not None:
        succeed(work, entity, id_, other)
        succeed(work, entity, other, id_)
    references.moved(work, ref)


def returned(work: Work, ref: Ref, entity: str, id_: str) -> None:
    """Take in that an object which was gone is back: what it was, if that is gone, leads to what it is now."""
    was = past.forget(work.rows, ref)
    if was is not None and was[0] == entity:
        succeed(work, entity, was[1], id_)


def succeed(work: Work, entity: str, id_: str, heir: str) -> None:
    """Let references to a record, if it is gone, lead to another, and a customer's documents count for that."""
    gone = work.lead(entity, id_, heir)
    if gone is not None and entity == PARTY:
        _move(work, gone, work.standing(PARTY, heir))


def join(work: Work, loser_id: str, survivor_id: str) -> str:
    """Let one party become part of another and return the survivor's id; joining what is one already does nothing."""
    loser, survivor = work.get(PARTY, loser_id), work.get(PARTY, survivor_id)
    if loser is None or survivor is None or loser["id"] == survivor["id"]:
        return survivor_id if survivor is None else str(survivor["id"])
    work.rows.entities.put(PARTY, _kept(survivor, loser), survivor)
    work.rows.entities.put(PARTY, _kept(loser, survivor), loser)
    work.replace(PARTY, loser, {**loser, "merged_into": survivor["id"]})
    merged = references.joined(work, PARTY, joined(survivor, loser, work.settings.policies), loser)
    work.save(PARTY, merged)
    _relink(work, loser, survivor["id"])
    _move(work, loser["id"], survivor["id"])
    for one, other in ((loser, survivor), (survivor, loser)):
        _close(work, _question(work, one["id"], other["id"]), "overtaken: they are one by now")
    return str(survivor["id"])


def split(work: Work, loser_id: str) -> None:
    """Restore a party that was merged, and read anew what its vendors say.

    Raises:
        MappingError: it was not merged, or what it became part of is itself part of another.
    """
    loser = work.own(PARTY, loser_id)
    survivor = work.own(PARTY, loser["merged_into"]) if loser is not None and loser["merged_into"] else None
    if loser is None or survivor is None or not survivor["refs"]:
        raise MappingError("party", f"{loser_id} was not merged into a party that is there; only such can be split off")
    if survivor["merged_into"] is not None:
        raise MappingError(
            "party", f"{loser_id} became part of {survivor['id']}, part of another since; split that first"
        )
    before = work.rows.entities.get(PARTY, _kept(survivor, loser))
    former = work.rows.entities.get(PARTY, _kept(loser, survivor))
    if before is None or former is None:
        raise MappingError("party", f"what {loser_id} was before its merge is not known any more")
    left, restored = parted(survivor, before, former)
    references.parted(work, PARTY, survivor, left)
    work.replace(PARTY, None, {**restored, "version": loser["version"]})
    work.save(PARTY, left)
    _relink(work, former, loser["id"])
    _address(work, left, former)
    _move(work, survivor["id"], loser["id"], only=loser["id"])
    work.rows.apart.put(Apart(work.at), *sorted((loser["id"], survivor["id"])))
    documents = (document for party in (survivor, loser) for document in _documents(work, party["id"]))
    for record in (former, left, *documents):
        for ref in record["refs"]:
            work.read_anew(Ref(ref["vendor"], ref["object"], ref["id"]))
            commands.fetch(work, ref["vendor"], ref["object"], ref["id"], None)


def _kept(of: Entity, with_: Entity) -> str:
    """Return under which id the state keeps what a party was before a merge."""
    return f"{of['id']}~{with_['id']}"


def _relink(work: Work, party: Entity, id_: str) -> None:
    for ref in party["refs"]:
        mine = Ref(ref["vendor"], ref["object"], ref["id"])
        work.link(mine, PARTY, id_, work.linked(mine).source_version)


def _address(work: Work, left: Entity, former: Entity) -> None:
    """Let what we say of a party, and said to objects that are another's again, go to its own from now on, if any.

    The other is told to these anew: they have the words of both.
    """
    for ref in former["refs"]:
        vendor, object_type, id_ = ref["vendor"], ref["object"], ref["id"]
        for end in SAID:
            mine, theirs = (f"{PARTY}/{party['id']}{end}" for party in (left, former))
            asked = commands.sent(work, vendor, mine)
            if asked is not None and (asked.object, asked.remote_id) == (object_type, id_):
                commands.move(work, vendor, mine, remote_id(left, vendor, object_type))
                commands.again(work, vendor, theirs, object_type, id_)
                work.link(Ref(vendor, object_type, id_), PARTY, former["id"], "", theirs)


def _move(work: Work, source: str, target: str, only: str | None = None) -> None:
    """Let documents, and persons, count for another party; `only` those whose own record leads to that one."""
    for parts, row in work.rows.documents.scan(source):
        (document,) = parts
        customers = (work.standing(PARTY, record["customer_id"] or "") for record in _document(work, document))
        if only is None or only in customers:
            work.rows.documents.drop(source, document)
            work.rows.documents.put(row, target, document)
    if only is None:
        deciders.joined(work, source, target)
    else:
        deciders.parted(work, source, target)
    prospects.move(work, source, target, only)
    work.moved |= dict.fromkeys((source, target))


def _documents(work: Work, customer: str) -> Iterator[Entity]:
    """Yield a customer's documents: some may be of the other party, and the vendor tells which."""
    for (document,), _ in work.rows.documents.scan(customer):
        yield from _document(work, document, BOOKS)


def _document(work: Work, id_: str, entities: Sequence[str] = COUNTED) -> Iterator[Entity]:
    for entity in entities:
        record = work.get(entity, id_)
        if record is not None:
            yield record


def ask(work: Work, id_: str, verdict: Verdict) -> None:
    """Put the question whether a party is one of the candidates, unless that was asked before."""
    candidates = [one for one in verdict.candidates if one.party != id_]
    if not candidates:
        return
    review = _question(work, id_, candidates[0].party)
    if work.rows.questions.get(review) is not None:
        return
    work.rows.questions.put(Question(id_, [one.party for one in candidates]), review)
    reason = "is this party one of the candidates?"
    if verdict.shared:
        reason = "is this party the first candidate? Another party has its mailbox or number too"
    reviews.tell(work, review, KIND, f"{PARTY}/{id_}", reason, [_shown(work, one) for one in candidates])


def _question(work: Work, id_: str, candidate: str) -> str:
    """Return the id of the question whether a party is another, its likest candidate."""
    return str(uuid5(NAMESPACE, f"{work.tenant}\x1freview\x1f{id_}\x1f{candidate}"))


def _close(work: Work, review: str, reason: str) -> None:
    question = work.rows.questions.get(review)
    if question is not None and question.open:
        work.rows.questions.put(structs.replace(question, open=False), review)
        reviews.tell(work, review, KIND, f"{PARTY}/{question.party}", reason, still=False)


def _shown(work: Work, candidate: Candidate) -> str:
    """Return what a person needs to look both up; names and addresses stay with the vendors."""
    party = work.get(PARTY, candidate.party)
    score = candidate.score
    return dumps(
        {
            "party": candidate.party,
            "refs": party["refs"] if party is not None else [],
            "score": str(round(score.total, 1)),
            "levels": dict(score.levels),
        }
    ).decode()


def decide(work: Work, decision: Decision) -> None:
    """Do what a person decided.

    Raises:
        MappingError: there is no such question or party, or the verdict is none; names the field.
    """
    if decision.verdict == "split":
        split(work, decision.party)
    elif decision.verdict == "merge":
        _both(work, decision.party, decision.other)
        join(work, decision.party, decision.other)
    elif decision.verdict in {"accept", "reject"}:
        _answer(work, decision)
    else:
        raise MappingError("verdict", f"{decision.verdict!r} is not one of accept, reject, merge, split")


def _answer(work: Work, decision: Decision) -> None:
    question = work.rows.questions.get(decision.review)
    if question is None:
        raise MappingError("review", f"{decision.review} is no question of {work.tenant}")
    if not question.open:
        return
    if decision.verdict == "accept":
        chosen = decision.other or question.candidates[0]
        if chosen not in question.candidates:
            raise MappingError("other", f"{chosen} is none of the candidates: {', '.join(question.candidates)}")
        _both(work, question.party, chosen)
        _close(work, decision.review, "accepted")
        join(work, question.party, chosen)
    else:
        _close(work, decision.review, "rejected")
        for candidate in question.candidates:
            work.rows.apart.put(Apart(work.at), *sorted((question.party, candidate)))


def _both(work: Work, one: str, other: str) -> None:
    for id_ in (one, other):
        if work.get(PARTY, id_) is None:
            raise MappingError("party", f"{id_} is no party, or it was deleted")
