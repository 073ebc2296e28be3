// Sends files to /upload: small ones in bundles, large ones in pieces, each from where the server says it stands.
export const PIECE = 8 * 2 ** 20; // bytes of one request: seconds on a slow line, and little to send again
export const SMALL = 2 ** 20; // bytes; a smaller file goes into a bundle, so that 100,000 are not 100,000 requests
export const BUNDLE_FILES = 250; // the server takes 1,000
const LANES = 3;
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15000]; // together longer than a server takes to restart

export class Stopped extends Error {} // its text is for a person

class Passing extends Error {} // may go well if tried again

// Returns what is to be sent, and what has arrived already: `arrived` is {path: bytes} as the server tells it.
export function plan(files, arrived) {
  const work = [], done = { files: 0, bytes: 0 };
  let bundle = [], bytes = 0;
  const close = () => { if (bundle.length) work.push({ bundle }); bundle = []; bytes = 0; };
  for (const { file, path } of files) {
    const there = Object.hasOwn(arrived, path) ? arrived[path] : -1;
    if (there === file.size) { done.files += 1; done.bytes += file.size; continue; }
    if (file.size >= SMALL || /["\\\r\n]/.test(path)) { // forms encode these in the name of a part
      work.push({ file, path, at: there > 0 && there < file.size ? there : 0 });
      continue;
    }
    if (bundle.length === BUNDLE_FILES || bytes + file.size > PIECE) close();
    bundle.push({ file, path });
    bytes += file.size;
  }
  close();
  for (const { at } of work) done.bytes += at || 0;
  return { work, done };
}

export class Sender {
  // `id` is that of an earlier upload of the same files, or ""; `on.id` hears a new one, `on.progress` what is there.
  constructor(files, id, on) {
    Object.assign(this, { files, id, on, refused: [], done: { files: 0, bytes: 0 }, before: { files: 0, bytes: 0 } });
    this.flying = new Map(); // request -> bytes under way
    this.isStopped = false;
  }

  // Sends everything that is not there; rejects with Stopped when it cannot go on. May be run again after that.
  async run() {
    this.isStopped = false;
    this.refused = [];
    const { work, done } = plan(this.files, this.id ? await this.#arrived() : {});
    this.done = done;
    this.before = { ...done };
    this.#tell();
    while (!this.id && work.length) await this.#item(work.shift()); // the first that is taken names the upload
    const lane = async () => { while (work.length && !this.isStopped) await this.#item(work.shift()); };
    try {
      await Promise.all(Array.from({ length: LANES }, lane));
    } catch (problem) {
      this.stop();
      throw problem;
    }
    if (this.isStopped) throw new Stopped("");
  }

  stop() {
    this.isStopped = true;
    for (const request of this.flying.keys()) request.abort();
  }

  // Deletes what has arrived.
  async discard() {
    if (this.id) await this.#request("DELETE", {});
  }

  // Returns {path: bytes} of what is there; the upload may be gone, having been imported or deleted.
  async #arrived() {
    for (let failures = 0; ; failures += 1) {
      try {
        return (await this.#request("GET", {})).files;
      } catch (problem) {
        if (problem.status === 404 || problem.status === 400) { this.id = ""; return {}; }
        await this.#wait(problem, failures);
      }
    }
  }

  #item(item) {
    return item.bundle ? this.#bundle(item.bundle) : this.#large(item);
  }

  async #bundle(bundle) {
    for (let failures = 0; bundle.length; ) {
      const form = new FormData();
      for (const { file, path } of bundle) form.append("files", file, path);
      const bytes = bundle.reduce((sum, { file }) => sum + file.size, 0);
      try {
        await this.#request("POST", {}, form, bytes);
        this.#count(bundle.length, bytes);
        return;
      } catch (problem) {
        const left = bundle.filter(({ path }) => path !== problem.file);
        if (left.length < bundle.length) {
          this.#refuse(problem);
          bundle = left;
        } else await this.#wait(problem, failures++, bundle[0].file);
      }
    }
  }

  async #large({ file, path, at }) {
    for (let failures = 0, isSent = false; !isSent || at < file.size; ) {
      const piece = file.slice(at, at + PIECE);
      try {
        const answer = await this.#request("POST", { path, offset: at }, piece, piece.size);
        this.#count(0, answer.bytes - at);
        [at, failures, isSent] = [answer.bytes, 0, true];
      } catch (problem) {
        if (problem.file !== undefined) return this.#refuse(problem);
        await this.#wait(problem, failures++, file);
        const standing = this.id ? await this.#request("GET", { path }).catch(() => null) : { bytes: 0 };
        if (standing === null) continue; // the next try says why
        this.#count(0, standing.bytes - at);
        at = standing.bytes;
      }
    }
    this.#count(1, 0);
  }

  #refuse(problem) {
    this.refused.push(problem.message);
    this.#tell();
  }

  #count(files, bytes) {
    this.done.files += files;
    this.done.bytes += bytes;
    this.#tell();
  }

  #tell() {
    if (this.isStopped) return; // what other requests still send is counted, and shown when the upload goes on
    let flying = 0;
    for (const bytes of this.flying.values()) flying += bytes;
    this.on.progress({ files: this.done.files, bytes: this.done.bytes + flying });
  }

  // Waits before another try; throws when trying is no use or was tried often enough.
  async #wait(problem, failures, file) {
    if (this.isStopped) throw new Stopped("");
    if (!(problem instanceof Passing)) throw problem;
    if (failures >= WAITS_MS.length) {
      const isReadable = !file || (await file.slice(0, 1).arrayBuffer().then(() => true, () => false));
      throw new Stopped(isReadable ? problem.message : `${file.name} changed or vanished on your disk while it was sent`);
    }
    await new Promise((wake) => setTimeout(wake, WAITS_MS[failures]));
    if (this.isStopped) throw new Stopped("");
  }

  // One request; `size` is how many bytes of the body count as progress.
  #request(method, query, body = null, size = 0) {
    const url = new URL("../../../upload", import.meta.url);
    for (const [name, value] of Object.entries({ ...query, ...(this.id && { id: this.id }) })) url.searchParams.set(name, value);
    const request = new XMLHttpRequest();
    return new Promise((done, fail) => {
      request.open(method, url);
      request.responseType = "text";
      request.upload.onprogress = ({ loaded }) => { this.flying.set(request, Math.min(loaded, size)); this.#tell(); };
      request.onloadend = () => {
        this.flying.delete(request);
        const answer = parsed(request.responseText);
        if (request.status >= 200 && request.status < 300 && answer) {
          if (!this.id && answer.upload) this.on.id((this.id = answer.upload));
          done(answer);
        } else fail(this.isStopped ? new Stopped("") : problemOf(request.status, answer));
      };
      this.flying.set(request, 0);
      request.send(body);
    });
  }
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; }
}

// Returns the error of an answer: the server's own word where it gave one.
export function problemOf(status, answer) {
  const isPassing = status === 0 || status === 409 || status === 429 || (status >= 500 && answer?.code !== "unavailable");
  const told = status === 401 ? "you are logged out; log in again in another tab" : answer?.message;
  const problem = new (isPassing ? Passing : Stopped)(told || (status ? `the server answered ${status}` : "the server does not answer"));
  return Object.assign(problem, { status, file: answer?.details?.file });
}
