// The builder with script: what is picked is drawn at once, and the line to copy is the server's own.
(() => {
  "use strict";
  const form = document.querySelector("form.build");
  const stage = form.querySelector(".stage");
  const code = form.querySelector(".line code");
  const note = form.querySelector(".note");
  const copy = form.querySelector(".copy");
  const find = form.querySelector(".find");
  const boxes = form.querySelector(".boxes");
  const columns = JSON.parse(form.dataset.columns);
  let ticked = [...boxes.querySelectorAll(":checked")].map((box) => box.value);
  let asked = 0;

  const chosen = (name) => form.querySelector(`[name=${name}]:checked`);

  // What differs from what the publisher's defaults are, in the order of addresses.
  function wish() {
    const kind = chosen("kind").value;
    const query = {};
    if (ticked.length) query.coins = ticked.join(",");
    for (const field of form.querySelectorAll("select,[name=title],.pick:not([hidden]) [type=radio]:checked")) {
      if (field.value !== field.dataset.usual) query[field.name] = field.value;
    }
    const shown = [...form.querySelectorAll("[name=show]:checked")].map((box) => box.value);
    if (shown.length && shown.join() !== inOrder(columns[kind]).join()) query.show = shown.join(",");
    return { kind, query };
  }

  const all = [...form.querySelectorAll("[name=show]")].map((box) => box.value);
  const inOrder = (text) => all.filter((one) => text.split(",").includes(one));

  function address(query) {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`);
    return pairs.length ? `?${pairs.join("&")}` : "";
  }

  async function line(kind, query) {
    const mine = ++asked;
    const door = chosen("door");
    note.textContent = door.dataset.note;
    try {
      const response = await fetch(`snippet/${door.value}/${kind}${address(query)}`);
      const text = await response.text();
      if (mine !== asked) return;
      code.textContent = response.ok ? text.trimEnd() : "";
      if (!response.ok) note.textContent = text.startsWith("{") ? JSON.parse(text).error.message : "That cannot be drawn.";
    } catch {
      if (mine === asked) note.textContent = "The server does not answer. Nothing has changed here.";
    }
  }

  function draw({ kind, query }) {
    const element = document.createElement("market-prices");
    for (const [name, value] of Object.entries({ kind, css: "link", ...query })) element.setAttribute(name, value);
    const old = stage.firstElementChild;
    stage.style.minHeight = `${stage.offsetHeight}px`; // what is being drawn leaves no hole
    stage.dataset.theme = query.theme ?? form.querySelector("[name=theme]").dataset.usual;
    old.replaceWith(element);
    setTimeout(() => { stage.style.minHeight = ""; }, 1500);
  }

  function changed(event) {
    const field = event?.target;
    if (field?.name === "coins") {
      ticked = field.checked ? [...ticked, field.value] : ticked.filter((one) => one !== field.value);
    }
    if (field?.name === "kind") {
      for (const pick of form.querySelectorAll(".pick[data-kinds]")) {
        pick.hidden = !pick.dataset.kinds.split(" ").includes(field.value);
      }
      const usual = columns[field.value].split(",");
      for (const box of form.querySelectorAll("[name=show]")) box.checked = usual.includes(box.value);
    }
    const picked = wish();
    const door = chosen("door").value;
    history.replaceState(null, "", `./${address({ kind: picked.kind, door, ...picked.query })}`);
    if (field?.name !== "door") draw(picked);
    line(picked.kind, picked.query);
  }

  let waiting;
  form.addEventListener("change", changed);
  form.addEventListener("input", (event) => {
    if (event.target.name !== "title") return;
    clearTimeout(waiting);
    waiting = setTimeout(() => changed(event), 300);
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const label of boxes.children) label.hidden = !label.textContent.toLowerCase().includes(wanted);
  });
  find.addEventListener("change", (event) => event.stopPropagation());

  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard without https: it is marked, ready for the keys
      copy.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });

  copy.hidden = find.hidden = false;
  form.querySelector(".go").hidden = true;
})();
