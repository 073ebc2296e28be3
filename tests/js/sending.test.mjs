import test from "node:test";
import assert from "node:assert/strict";
import { finish, forget, keyOf, recall, remember, unfinished } from "../../assets/window/remembering.js";
import { PIECE, Sender, SMALL, Stopped } from "../../assets/window/sending.js";
import { memory } from "./parts.mjs";

/** A server of uploads behind the browser's requests; `refuse` answers a request in its place, or is undefined. */
function serve(t, refuse = () => undefined) {
  const uploads = new Map(),
    requests = [];
  let ids = 0;
  function take(method, query, body) {
    const refusal = refuse({ method, query, body, count: requests.length });
    if (refusal) return refusal;
    const id = query.id ?? `u${(ids += 1)}`,
      files = uploads.get(id) ?? (query.id ? null : {});
    if (!files) return [404, { message: "gone" }];
    uploads.set(id, files);
    if (method === "GET") return [200, query.path ? { bytes: files[query.path] ?? 0 } : { files }];
    if (method === "DELETE") return [200, { deleted: uploads.delete(id) }];
    if (query.path === undefined) for (const file of body.getAll("files")) files[file.name] = file.size;
    else {
      if (Number(query.offset) !== (files[query.path] ?? 0)) return [409, { message: "stands elsewhere" }];
      files[query.path] = Number(query.offset) + body.size;
    }
    return [200, { upload: id, bytes: files[query.path] }];
  }
  class Request {
    upload = {};
    open(method, url) {
      Object.assign(this, { method, query: Object.fromEntries(url.searchParams) });
    }
    send(body) {
      requests.push([this.method, this.query]);
      const [status, answer] = take(this.method, this.query, body);
      setTimeout(() => {
        Object.assign(this, { status, responseText: JSON.stringify(answer) });
        this.onloadend();
      });
    }
    abort() {}
  }
  globalThis.XMLHttpRequest = Request;
  t.after(() => delete globalThis.XMLHttpRequest);
  return { uploads, requests };
}

const chosen = (path, size) => ({ path, file: new File([new Uint8Array(size)], path) });
const sizes = (files) => Object.fromEntries(files.map(({ path, file }) => [path, file.size]));

/** Send files; resolves to the sender and what it told. */
async function send(files, id = "") {
  const told = { ids: [], last: null };
  const sender = new Sender(files, id, {
    id: (given) => told.ids.push(given),
    progress: (there) => (told.last = there),
  });
  await sender.run();
  return { sender, told };
}

test("small and large files arrive whole in one upload, and progress ends at all of them", async (t) => {
  const { uploads } = serve(t);
  const files = [chosen("a.jpg", 100), chosen("empty.txt", 0), chosen("big.bin", 2 * PIECE + 5), chosen('"q".txt', 7)];
  const { told } = await send(files);
  assert.deepEqual(told.ids, ["u1"]);
  assert.deepEqual(uploads.get("u1"), sizes(files));
  assert.deepEqual(told.last, { files: 4, bytes: 2 * PIECE + 112 });
});

test("an upload goes on where the server stands, and sends nothing twice", async (t) => {
  const { uploads, requests } = serve(t);
  const files = [chosen("a.jpg", 100), chosen("big.bin", PIECE + SMALL)];
  uploads.set("u9", { "a.jpg": 100, "big.bin": PIECE });
  const { told } = await send(files, "u9");
  assert.deepEqual(requests.slice(1), [["POST", { path: "big.bin", offset: String(PIECE), id: "u9" }]]);
  assert.deepEqual([uploads.get("u9"), told.last], [sizes(files), { files: 2, bytes: PIECE + SMALL + 100 }]);
});

test("an upload that is gone begins anew under another name", async (t) => {
  const { uploads } = serve(t);
  const { told } = await send([chosen("a.jpg", 10)], "lost");
  assert.deepEqual([told.ids, uploads.get("u1")], [["u1"], { "a.jpg": 10 }]);
});

test("a refused file is left out and told; the others arrive in one upload, also when it came first", async (t) => {
  const isBad = (path) => path.startsWith("bad");
  const { uploads } = serve(t, ({ query, body }) => {
    const bad =
      query.path === undefined
        ? body?.getAll?.("files").find(({ name }) => isBad(name))?.name
        : isBad(query.path) && query.path;
    return bad ? [400, { message: `${bad} is refused`, details: { file: bad } }] : undefined;
  });
  const good = ["b", "c", "d", "e"].map((path) => chosen(path, SMALL));
  const { sender } = await send([chosen("bad1", SMALL), chosen("bad2", SMALL), ...good]);
  assert.deepEqual([...uploads.values()], [sizes(good)]);
  assert.deepEqual(sender.refused, ["bad1 is refused", "bad2 is refused"]);
  const mixed = await send([chosen("bad3", 5), chosen("f", 6)]);
  assert.deepEqual([uploads.get("u2"), mixed.sender.refused], [{ f: 6 }, ["bad3 is refused"]]);
});

test("a piece whose answer was lost is not sent again", async (t) => {
  let isLost = false;
  const { uploads, requests } = serve(t, ({ query }) => {
    if (query.offset !== String(PIECE) || isLost) return undefined;
    isLost = true;
    uploads.get("u1")["big.bin"] = 2 * PIECE; // it arrived
    return [502, {}];
  });
  const files = [chosen("big.bin", 2 * PIECE + 9)];
  await send(files);
  assert.deepEqual(uploads.get("u1"), sizes(files));
  assert.deepEqual(
    requests.filter(([method]) => method === "POST").map(([, { offset }]) => Number(offset)),
    [0, PIECE, 2 * PIECE],
  );
});

test("a full disk stops at once and says so; what arrived can be deleted", async (t) => {
  const { uploads, requests } = serve(t, ({ query }) =>
    query.path === "c" ? [503, { code: "unavailable", message: "the disk is full" }] : undefined,
  );
  const sender = new Sender(
    ["a", "b", "c"].map((path) => chosen(path, SMALL)),
    "",
    { id() {}, progress() {} },
  );
  await assert.rejects(sender.run(), (error) => error instanceof Stopped && error.message === "the disk is full");
  assert.equal(requests.filter(([, { path }]) => path === "c").length, 1);
  await sender.discard();
  assert.equal(uploads.size, 0);
});

test("a choice of files remembers its upload until it is forgotten; what arrived is not begun anew", (t) => {
  globalThis.localStorage = memory();
  t.after(() => delete globalThis.localStorage);
  const key = keyOf(
    [chosen("a", 1)].map(({ path, file }) => ({ path, file: { name: path, size: file.size, lastModified: 1 } })),
  );
  assert.deepEqual([recall(key), unfinished("datasets")], ["", ""]);
  remember(key, "u1", "streets", "datasets");
  remember("other", "u2", "fields", "models");
  assert.deepEqual([recall(key), unfinished("datasets"), unfinished("models")], ["u1", "streets", "fields"]);
  remember(key, "u3", "streets", "datasets");
  assert.equal(recall(key), "u3");
  finish(key);
  assert.deepEqual([recall(key), unfinished("datasets"), unfinished("models")], ["u3", "", "fields"]);
  forget(key);
  assert.deepEqual([recall(key), recall("other")], ["", "u2"]);
});

test("fifty uploads are remembered; an arrived one goes before one under way", (t) => {
  globalThis.localStorage = memory();
  t.after(() => delete globalThis.localStorage);
  for (let i = 0; i < 50; i++) remember(`k${i}`, `u${i}`, "name", "place");
  finish("k49");
  remember("new", "unew", "name", "place");
  assert.deepEqual([recall("k49"), recall("k0"), recall("new")], ["", "u0", "unew"]);
  localStorage.setItem("tator-uploads", "[[");
  assert.equal(recall("new"), "");
  globalThis.localStorage.setItem = () => {
    throw new Error("quota");
  };
  remember("k", "u", "name", "place");
  assert.equal(recall("k"), "");
});
