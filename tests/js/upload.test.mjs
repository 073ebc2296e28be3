import test from "node:test";
import assert from "node:assert/strict";
import { keyOf } from "../../assets/window/remembering.js";
import { BUNDLE_FILES, PIECE, plan, problemOf, Sender, SMALL, Stopped } from "../../assets/window/sending.js";

const chosen = (path, size, lastModified = 1) => ({ path, file: { name: path, size, lastModified } });

test("100,000 small files become few requests, none of them large", () => {
  const files = Array.from({ length: 100_000 }, (_, at) => chosen(`set/images/${at}.jpg`, 20_000 + (at % 7)));
  const { work, done } = plan(files, {});
  assert.deepEqual(done, { files: 0, bytes: 0 });
  assert.ok(work.length <= 100_000 / BUNDLE_FILES + 1);
  for (const { bundle } of work) {
    assert.ok(bundle.length <= BUNDLE_FILES);
    assert.ok(bundle.reduce((sum, { file }) => sum + file.size, 0) <= PIECE);
  }
  assert.equal(new Set(work.flatMap(({ bundle }) => bundle.map(({ path }) => path))).size, 100_000);
});

test("what has arrived is not sent again, what stands halfway goes on, what is longer than it should be starts again", () => {
  const files = [chosen("a", 10), chosen("empty", 0), chosen("b", 3 * SMALL), chosen("c", 3 * SMALL), chosen("d", 3 * SMALL), chosen("constructor", 4)];
  const { work, done } = plan(files, { a: 10, b: SMALL, c: 3 * SMALL, d: 9 * SMALL });
  assert.deepEqual(done, { files: 2, bytes: 10 + 3 * SMALL + SMALL });
  assert.deepEqual(work.filter(({ path }) => path).map(({ path, at }) => [path, at]), [["b", SMALL], ["d", 0]]);
  assert.deepEqual(work.flatMap(({ bundle = [] }) => bundle.map(({ path }) => path)), ["empty", "constructor"]);
  assert.deepEqual(plan(files, { a: 10, empty: 0, b: 3 * SMALL, c: 3 * SMALL, d: 3 * SMALL, constructor: 4 }).work, []);
});

test("a name that a form would change is sent on its own", () => {
  const { work } = plan([chosen('he said "no".txt', 5), chosen("plain%22.txt", 5)], {});
  assert.deepEqual(work.map(({ path, bundle }) => path || bundle[0].path), ['he said "no".txt', "plain%22.txt"]);
});

test("the same choice has the same key in any order, another choice another", () => {
  const files = [chosen("a/b.png", 5), chosen("a/c.png", 6)];
  assert.equal(keyOf(files), keyOf([...files].reverse()));
  for (const other of [
    [chosen("a/b.png", 6), chosen("a/c.png", 5)],
    [chosen("a/b.png", 5), chosen("a/c.png", 6, 2)],
    [chosen("a/b.png", 5)],
    [chosen("a/b.png\t5", 5), chosen("a/c.png", 6)],
  ])
    assert.notEqual(keyOf(files), keyOf(other));
});

test("what may go well later is told from what will not", () => {
  for (const [status, answer] of [[0, null], [500, null], [502, null], [409, { message: "stands at 5" }]])
    assert.ok(!(problemOf(status, answer) instanceof Stopped), status);
  for (const [status, answer] of [[400, { message: "x" }], [401, null], [404, { message: "gone" }], [503, { code: "unavailable", message: "disk" }]])
    assert.ok(problemOf(status, answer) instanceof Stopped, status);
  assert.equal(problemOf(400, { message: "no", details: { file: "../x" } }).file, "../x");
  assert.match(problemOf(401, null).message, /log in again/);
});

test("nothing is told of an upload after it stopped, whatever another lane still brings home", async (t) => {
  const waiting = [], told = [];
  class Line { // answers when the test says so
    upload = {};
    open(method, url) { this.path = url.searchParams.get("path"); }
    send() { waiting.push(this); }
    abort() {} // its answer is on its way already
    answer(status, text) { Object.assign(this, { status, responseText: text }).onloadend(); }
  }
  globalThis.XMLHttpRequest = Line;
  t.after(() => delete globalThis.XMLHttpRequest);
  const file = (path) => ({ path, file: { name: path, size: SMALL, slice: () => ({ size: SMALL }) } });
  const sender = new Sender([file("a"), file("b"), file("c")], "", { id() {}, progress: (there) => told.push(there.bytes) });
  const ended = assert.rejects(sender.run(), /no space left/);
  const sent = async (count) => { while (waiting.length < count) await new Promise((wake) => setTimeout(wake, 1)); };
  await sent(1);
  waiting[0].answer(200, JSON.stringify({ upload: "u", bytes: SMALL }));
  await sent(3);
  waiting[1].answer(400, JSON.stringify({ message: "no space left" }));
  await ended;
  const before = told.length;
  waiting[2].answer(200, JSON.stringify({ bytes: SMALL }));
  await new Promise((wake) => setTimeout(wake, 5));
  assert.equal(told.length, before);
  assert.equal(sender.done.bytes, 2 * SMALL);
});
