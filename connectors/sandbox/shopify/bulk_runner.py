"""Runs bulk operations in the background, a page at a time, and serves their files."""

import asyncio
import re
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, dumps
from connectors.sandbox.shopify import bulk, hooks
from connectors.sandbox.shopify.engine import Engine
from connectors.sandbox.shopify.ids import gid_of
from connectors.sandbox.shopify.resolvers import Context
from connectors.sandbox.shopify.shop import Row, Shop

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class BulkRunner:
    """The operations of all accounts; each is a task of its own. What a restart cut off begins anew."""

    def __init__(self, ctx: SandboxContext, engine: Engine) -> None:
        self._ctx = ctx
        self._engine = engine
        self._folder = ctx.data_dir / "shopify-bulk"
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}

    def routes(self) -> list[Route]:
        """Where results are downloaded."""
        return [Route("/bulk-results/{account}/{file}", self._download, methods=["GET"])]

    def wake(self) -> None:
        """Take up what waits."""
        for account in self._ctx.accounts.names():
            for row in self._ctx.database.all(account, bulk.KIND):
                key = (account, row["id"])
                if row["status"] in bulk.LIVE and (key not in self._tasks or self._tasks[key].done()):
                    self._tasks[key] = asyncio.create_task(self._run(account, row))

    async def aclose(self) -> None:
        """Stop all of them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, account: str, row: Row) -> None:
        shop = Shop(self._ctx, account, row["_version"], self._ctx.base_url)
        path = bulk.path_of(account, row["id"])
        target = self._folder / account / Path(path).name
        await self._put(shop, row, status="RUNNING")
        await self._ctx.clock.sleep(float(self._ctx.setting(account, "bulk_seconds", 0)))
        roots, objects = await self._write(shop, row, target)
        if not roots:
            await self._put(shop, row, status="COMPLETED", completed_at=shop.now())
            return
        await self._put(
            shop,
            row,
            status="COMPLETED",
            completed_at=shop.now(),
            root_object_count=roots,
            object_count=objects,
            file_size=target.stat().st_size,
            _path=path,
        )

    async def _write(self, shop: Shop, row: Row, target: Path) -> tuple[int, int]:
        """Write the file; children follow their parent, or all parents, as was asked."""
        target.parent.mkdir(parents=True, exist_ok=True)
        context = Context(shop, whole=True)
        roots = objects = 0
        behind = target.with_suffix(".below")
        with target.open("w", encoding="utf-8") as out, behind.open("w+", encoding="utf-8") as below:
            while True:
                for line, children in bulk.lines_of(self._engine.data(row["query"], context)):
                    out.write(f"{dumps(line)}\n")
                    (out if row["_grouped"] else below).writelines(f"{dumps(child)}\n" for child in children)
                    roots, objects = roots + 1, objects + 1 + len(children)
                await asyncio.sleep(0)
                if context.after is None:
                    break
            below.seek(0)
            for line_below in below:
                out.write(line_below)
        behind.unlink()
        return roots, objects

    async def _put(self, shop: Shop, row: Row, **changes: Any) -> None:
        async with self._ctx.database.transaction():
            stored = shop.get(bulk.KIND, row["id"])
            if stored is None or stored["status"] == "CANCELED":
                return
            shop.put({**stored, **changes})
            if changes["status"] == "COMPLETED":
                finished = {name: stored[name] for name in ("created_at", "error_code", "type")}
                about = {"admin_graphql_api_id": gid_of(stored), "status": "completed", **finished}
                hooks.tell(shop, "bulk_operations/finish", {**about, "completed_at": changes["completed_at"]})
                hooks.publish(shop)

    async def _download(self, request: Request) -> Response:
        """A file or a part of it: storage behind the signed address answers ranges (RFC 9110 §14)."""
        account, name = request.path_params["account"], request.path_params["file"]
        known = [row["_path"] for row in self._ctx.database.all(account, bulk.KIND)]
        if request.url.path not in known:
            return Json({"error": "NoSuchKey"}, status_code=404)
        file = self._folder / account / name
        size, wanted = file.stat().st_size, RANGE.fullmatch(request.headers.get("range", ""))
        begin = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]), size - 1) if wanted and wanted[2] else size - 1
        headers = {"accept-ranges": "bytes"}
        if begin >= size:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
        with file.open("rb") as stored:
            stored.seek(begin)
            content = stored.read(end - begin + 1)
        if wanted:
            headers["content-range"] = f"bytes {begin}-{end}/{size}"
        return Response(content, 206 if wanted else 200, headers, media_type="application/jsonl")
