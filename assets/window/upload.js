// A drop area that sends a folder, a zip or files, with sub-folders kept, and goes on where an earlier upload stopped.
import { finish, forget, keyOf, recall, remember, unfinished } from "./remembering.js";
import { Sender } from "./sending.js";

const RATE_MS = 8000; // the rate is that of the last seconds
const DRAW_MS = 200;
const APART_MS = 1000; // between two announcements, which could overtake each other on their way

const html = `<div class="t-drop" tabindex="0">
  <b>Drop a folder or a zip here</b><span>sub-folders are kept</span>
  <div class="t-row" data-when="idle"><button type="button" class="t-btn" data-pick="folder">Choose folder</button>
  <button type="button" class="t-btn" data-pick="files">Choose zip or files</button></div>
  <input type="file" data-input="folder" webkitdirectory multiple hidden><input type="file" data-input="files" multiple hidden>
  <span data-told role="status"></span><div class="t-bar" hidden><i style="width:0"></i></div><span data-numbers></span>
  <div class="t-row" data-when="sending" hidden><button type="button" class="t-btn" data-do="cancel">Cancel</button></div>
  <div class="t-row" data-when="stopped" hidden><button type="button" class="t-btn" data-do="resume">Go on</button>
  <button type="button" class="t-btn bad" data-do="discard">Discard</button></div></div>`;

export function mount(element, announce) {
  const host = document.createElement("div");
  host.innerHTML = html;
  element.replaceChildren(host);
  const area = host.querySelector(".t-drop");
  const upload = new Upload(view(host), announce, element.closest(".block")?.id);

  host.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick], [data-do]");
    if (button?.dataset.pick) host.querySelector(`[data-input=${button.dataset.pick}]`).click();
    else if (button) upload[button.dataset.do]();
  });
  host.addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    upload.show.looking();
    // After the line is drawn: a browser takes seconds to look at 100,000 files, and draws nothing meanwhile.
    setTimeout(() => upload.begin(files.map((file) => ({ file, path: file.webkitRelativePath || file.name }))), 30);
  });
  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    area.addEventListener(name, (event) => { event.preventDefault(); area.classList.toggle("over", over); });
  }
  area.addEventListener("drop", async (event) => {
    if (upload.state === "sending") return;
    const found = dropped(event.dataTransfer);
    upload.show.looking();
    upload.begin(await found);
  });
}

class Upload {
  constructor(show, announce, place) {
    Object.assign(this, { show, announce, place, state: "idle", sender: null, key: "", announced: false });
    this.show.state("idle");
    this.show.unfinished(unfinished(place));
  }

  begin(files) {
    if (!files.length) this.show.nothing();
    if (!files.length || this.state === "sending") return;
    this.key = keyOf(files);
    this.name = rootName(files);
    this.total = { files: files.length, bytes: files.reduce((sum, { file }) => sum + file.size, 0) };
    const on = { id: (id) => remember(this.key, id, this.name, this.place), progress: (there) => this.show.progress(there, this.total, this.sender.before) };
    this.sender = new Sender(files, recall(this.key), on);
    this.resume();
  }

  async resume() {
    const { sender } = this;
    this.#turn("sending");
    if (this.announced) this.announce({ act: "uploading", id: "", name: "" }); // what was uploaded before is not meant any more
    const gap = this.announced ? new Promise((wake) => setTimeout(wake, APART_MS)) : null;
    this.show.started();
    try {
      await sender.run();
    } catch (problem) {
      this.#turn("stopped");
      return this.show.stopped(problem.message);
    }
    await gap;
    this.#turn("idle");
    this.show.done(this.name, this.total, sender.refused);
    finish(this.key);
    this.announced = true;
    this.announce({ act: "uploaded", id: sender.id, name: this.name, ...this.total });
  }

  cancel() {
    this.sender.stop();
  }

  async discard() {
    try {
      await this.sender.discard();
    } catch (problem) {
      if (problem.status !== 404) return this.show.stopped(problem.message);
    }
    forget(this.key);
    this.#turn("idle");
    this.show.cleared();
  }

  #turn(state) {
    this.state = state;
    this.show.state(state);
  }
}

function view(host) {
  const told = host.querySelector("[data-told]");
  const numbers = host.querySelector("[data-numbers]");
  const bar = host.querySelector(".t-bar");
  let samples = [], drawn = 0, due = 0, latest = null;
  const draw = (tone, text, figures) => {
    clearTimeout(due);
    due = 0;
    [bar.className, told.textContent, numbers.textContent] = [`t-bar ${tone}`, text, figures];
  };
  const arrive = () => {
    const { there, total, before } = latest, now = performance.now();
    drawn = now;
    samples = [...samples.filter(([at]) => now - at < RATE_MS), [now, there.bytes]];
    bar.firstChild.style.width = `${(100 * there.bytes) / Math.max(total.bytes, 1)}%`;
    draw("", before.bytes ? `Resumed: ${size(before.bytes)} had arrived before` : "Uploading", figures(there, total, samples));
  };
  return {
    state(state) {
      for (const part of host.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
    },
    unfinished(name) { if (name) draw("", `The upload of ${name} was cut off: choose the same files again, and it goes on.`, ""); },
    nothing() { draw("", "There are no files in it", ""); },
    looking() { draw("", "Looking at the files", ""); },
    started() { samples = []; drawn = 0; bar.hidden = false; draw("", "Asking what is there already", ""); },
    progress(there, total, before) {
      latest = { there, total, before };
      due ||= setTimeout(arrive, Math.max(0, drawn + DRAW_MS - performance.now())); // drawn late rather than left out: no other progress may come for a while
    },
    done(name, total, refused) {
      bar.firstChild.style.width = "100%";
      const left = refused.length ? `; ${count(refused.length)} left out, the first because ${refused[0]}` : "";
      draw(refused.length ? "warn" : "ok", `${name}: ${plural(total.files - refused.length)}, ${size(total.bytes)} uploaded${left}`, "");
    },
    stopped(reason) {
      if (due) arrive();
      const text = reason ? `Upload stopped: ${reason}. ` : "Upload cancelled. ";
      draw("bad", `${text}What has arrived is kept: go on, or choose the same files again later.`, numbers.textContent.split("\n")[0]);
    },
    cleared() { bar.hidden = true; draw("", "What had arrived is deleted", ""); },
  };
}

function figures(there, total, samples) {
  const [[since, bytes], [now, latest]] = [samples[0], samples.at(-1)];
  const rate = now > since ? (1000 * (latest - bytes)) / (now - since) : 0;
  const arrived = `${size(there.bytes)} of ${size(total.bytes)} · ${count(there.files)} of ${plural(total.files)}`;
  return rate > 0 ? `${arrived}\n${size(rate)}/s · ${duration((total.bytes - there.bytes) / rate)} left` : arrived;
}

const count = (number) => number.toLocaleString("en");
const plural = (number) => `${count(number)} ${number === 1 ? "file" : "files"}`;

function size(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 4);
  return `${power ? (bytes / 1000 ** power).toFixed(1) : Math.round(bytes)} ${["B", "KB", "MB", "GB", "TB"][power]}`;
}

function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

async function walk(entry, folder, found) {
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    found.push({ file: await new Promise((done, fail) => entry.file(done, fail)), path });
    return;
  }
  const reader = entry.createReader();
  for (;;) {  // a reader hands out at most 100 entries at a time
    const batch = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!batch.length) return;
    await Promise.all(batch.map((child) => walk(child, path, found)));
  }
}

function rootName(files) {
  const [first, ...rest] = files[0].path.split("/");
  return rest.length ? first : first.replace(/\.[^.]+$/, "");
}
