// Links, files, and the watch over the kernel.

const EVERY = 2000, PATIENCE = 4;      // milliseconds between two questions to the kernel; so many unanswered are its end
const AGAIN = 3, WITHIN = 60000;       // a page that ended so often in so many milliseconds is not loaded once more

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function linkOf(model, view) {
  // What opens the door goes on with a link: the token of this server, and to a presenter's link the presenter's key.
  const query = new URLSearchParams(model.get("query")), here = new URLSearchParams(location.search);
  if (view === "candidate") query.set("view", view);
  for (const name of view === "candidate" ? ["token"] : ["token", "key"]) if (here.has(name)) query.set(name, here.get(name));
  return `${location.origin}${location.pathname}?${query}`;
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed, or not over plain HTTP */ }
  const field = element("textarea", { value: text, readOnly: true });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

function download(name, bytes) {
  const address = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

async function serverAnswers() {
  try { return (await fetch(`${document.body.dataset.baseUrl ?? "/"}static/voila.js`, { method: "HEAD", cache: "no-store" })).status < 500; } catch { return false; }
}

function endedTooOften() {
  const now = Date.now(), ends = JSON.parse(sessionStorage.getItem("sim-ends") ?? "[]").filter((end) => now - end < WITHIN);
  sessionStorage.setItem("sim-ends", JSON.stringify([...ends, now]));
  return ends.length >= AGAIN;
}

async function replace(model) {
  const told = element("p", { textContent: "The kernel behind this page has ended. A new one starts now, with the same question and settings." });
  const box = element("div", { className: "sim-ended", role: "alertdialog", ariaLabel: "this page’s kernel has ended", tabIndex: -1 }, element("div", {}, element("h2", { textContent: "One moment" }), told));
  document.body.append(box);
  box.focus();
  if (endedTooOften()) {
    told.textContent = "The kernel behind this page ended several times in a minute. The terminal that runs sim demo says why; reload the page to try again.";
    return;
  }
  await new Promise((done) => setTimeout(done, 1500)); // long enough to be read
  while (!(await serverAnswers())) {
    told.textContent = "The demo’s server does not answer. Start sim demo again, with the same port; this page comes back by itself.";
    await new Promise((done) => setTimeout(done, 2000));
  }
  if (model.get("view")) location.replace(linkOf(model, model.get("view"))); else location.reload();
}

export default {
  render({ model, el }) {
    const said = element("span", { role: "status", className: "sim-door-said" });
    const tell = (text) => { said.textContent = text; };
    const button = (text, title, onclick) => element("button", { type: "button", className: "jupyter-button", textContent: text, title, onclick });
    const give = (view, what) => async () => tell((await copy(linkOf(model, view))) ? `${what} copied` : `this browser does not copy; it is in the address bar`);
    const buttons = element("div", { className: "sim-door" });
    el.append(buttons);

    const show = () => {
      const view = model.get("view");
      if (!view) return;
      const presents = view === "presenter";
      buttons.replaceChildren(
        button("Copy link", "question, knobs, policies and seed as they are set", give(view, "link")),
        ...(presents ? [button("Copy candidate’s link", "the same, without the presenter’s notes", give("candidate", "candidate’s link"))] : []),
        button("Save", "a picture, the table and a notebook, in one file", () => { tell("saving …"); model.send({ kind: "save" }); }),
        said);
    };
    const follow = () => { if (model.get("view")) history.replaceState(null, "", linkOf(model, model.get("view"))); };

    let waiting = false, missed = 0, watching = 0;
    const heard = (message, buffers) => {
      if (message.kind === "pong") { waiting = false; missed = 0; }
      if (message.kind === "file") { download(message.name, buffers[0]); tell(`saved as ${message.name}`); }
      if (message.kind === "unsaved") tell(`not saved: ${message.why}`);
    };
    const ask = () => {
      if (document.hidden) { missed = 0; return; } // a page in the background is held back by its browser
      if (waiting && ++missed >= PATIENCE) { clearInterval(watching); replace(model); return; }
      waiting = true;
      try { model.send({ kind: "ping" }); } catch { /* counted as unanswered */ }
    };

    model.on("msg:custom", heard);
    const open = () => { show(); follow(); };
    model.on("change:view", open);
    model.on("change:query", follow);
    open();
    model.send({ kind: "hello", search: location.search });
    watching = setInterval(ask, EVERY);
    return () => {
      clearInterval(watching);
      model.off("msg:custom", heard);
      model.off("change:view", open);
      model.off("change:query", follow);
    };
  },
};
