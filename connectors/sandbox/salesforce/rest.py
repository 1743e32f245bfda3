"""The resources below `/services/data/vXX.0/`."""

from connectors.sandbox.salesforce import batches, collections, composite, sobjects, trees
from connectors.sandbox.salesforce.allowances import Allowances
from connectors.sandbox.salesforce.bulk.resource import Bulk
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found
from connectors.sandbox.salesforce.queries import Queries
from connectors.sandbox.salesforce.tooling import Tooling

_NAMES = ("composite", "jobs", "limits", "query", "queryAll", "sobjects", "tooling")
_READ_ONLY = frozenset({"limits", "query", "queryAll"})


class Rest:
    """Finds the resource of a call.

    Args:
        allowances: What orgs may use, for `limits`.
        bulk: The jobs.
        tooling: What an org can be told to have.
    """

    def __init__(self, allowances: Allowances, bulk: Bulk, tooling: Tooling) -> None:
        self._bulk = bulk
        self._tooling = tooling
        self._queries = Queries()
        self._allowances = allowances

    def dispatch(self, call: Call) -> Reply:
        """Answer a call; raises ApiError."""
        if not call.steps:
            return Reply(200, {name: call.url(name) for name in _NAMES})
        first = call.steps[0]
        if first in _READ_ONLY and call.method != "GET":
            raise not_allowed(call.method)
        if first in {"query", "queryAll"}:
            return self._queries.serve(call)
        if first == "sobjects":
            return sobjects.serve(call)
        if first == "composite":
            return self._composite(call)
        if first == "limits":
            return Reply(200, self._allowances.as_json(call.unit.org.name))
        if first == "jobs":
            return self._bulk.serve(call)
        if first == "tooling":
            return self._tooling.serve(call)
        raise not_found()

    def _composite(self, call: Call) -> Reply:
        kind = call.steps[1] if len(call.steps) > 1 else ""
        if kind == "sobjects":
            return collections.serve(call)
        if kind == "tree" and len(call.steps) == 3:  # noqa: PLR2004
            return trees.serve(call, call.steps[2])
        if kind == "batch":
            return batches.batch(call, self.dispatch)
        if kind == "graph":
            return batches.graph(call, self.dispatch)
        if kind:
            raise not_found()
        if call.method != "POST":
            raise not_allowed(call.method)
        return composite.serve(call, self.dispatch)
