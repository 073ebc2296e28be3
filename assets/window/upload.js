// A drop area that sends a folder, a zip or files one by one, with sub-folders kept.
const LANES = 3;
const RETRIES = 3;

const html = `<div class="t-drop" tabindex="0">
  <b>Drop a folder or a zip here</b><span>sub-folders are kept</span>
  <div class="t-row"><button type="button" class="t-btn" data-pick="folder">Choose folder</button>
  <button type="button" class="t-btn" data-pick="files">Choose zip or files</button></div>
  <input type="file" data-input="folder" webkitdirectory multiple hidden><input type="file" data-input="files" multiple hidden>
  <span data-told role="status"></span><div class="t-bar" hidden><i style="width:0"></i></div></div>`;

export function mount(element, announce) {
  const host = document.createElement("div");
  host.innerHTML = html;
  element.replaceChildren(host);
  const area = host.querySelector(".t-drop");
  const view = progressView(host);
  const take = (files) => files.length && send(files, view).then(announce, (problem) => view.fail(problem.message));

  host.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    if (button) host.querySelector(`[data-input=${button.dataset.pick}]`).click();
  });
  host.addEventListener("change", (event) => {
    const files = [...event.target.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    event.target.value = "";
    take(files);
  });
  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    area.addEventListener(name, (event) => { event.preventDefault(); area.classList.toggle("over", over); });
  }
  area.addEventListener("drop", async (event) => take(await dropped(event.dataTransfer)));
}

function progressView(host) {
  const told = host.querySelector("[data-told]");
  const bar = host.querySelector(".t-bar");
  return {
    show(done, total, bytes) {
      bar.hidden = false;
      bar.firstChild.style.width = `${(100 * done) / Math.max(total, 1)}%`;
      told.textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} files, ${(bytes / 1e6).toFixed(1)} MB`;
    },
    done(name, total, bytes) {
      bar.className = "t-bar ok";
      told.textContent = `${name}: ${total.toLocaleString("en")} files, ${(bytes / 1e6).toFixed(1)} MB uploaded`;
    },
    fail(message) { bar.className = "t-bar bad"; told.textContent = `Upload stopped: ${message}`; },
  };
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
    for (const child of batch) await walk(child, path, found);
  }
}

async function send(files, view) {
  const name = rootName(files);
  const total = files.length;
  let done = 0, bytes = 0;
  view.show(0, total, 0);
  const put = async (id, { file, path }) => {
    const answer = await post(id, path, file);
    done += 1; bytes += file.size;
    view.show(done, total, bytes);
    return answer;
  };
  const { upload: id } = await put("", files[0]);
  const queue = files.slice(1);
  const lane = async () => { while (queue.length) await put(id, queue.shift()); };
  await Promise.all(Array.from({ length: LANES }, lane));
  view.done(name, total, bytes);
  return { act: "uploaded", id, name, files: total, bytes };
}

function rootName(files) {
  const [first, ...rest] = files[0].path.split("/");
  return rest.length ? first : first.replace(/\.[^.]+$/, "");
}

async function post(id, path, file) {
  const url = new URL("../../../upload", import.meta.url);
  url.searchParams.set("path", path);
  if (id) url.searchParams.set("id", id);
  for (let turn = 1; ; turn += 1) {
    try {
      const response = await fetch(url, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      if (response.status < 500 || turn === RETRIES) throw new Refused(answer.message || `${path}: ${response.status}`);
    } catch (problem) {
      if (problem instanceof Refused || turn === RETRIES) throw problem;
    }
    await new Promise((wake) => setTimeout(wake, 400 * turn));
  }
}

class Refused extends Error {}
