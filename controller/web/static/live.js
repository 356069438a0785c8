// Keeps the page up to date: the server says that there is news, the page fetches itself again and replaces the regions
// that differ. Without this script every page is whole; it only has to be reloaded by hand.
"use strict";

(() => {
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;

  const TEXT = { on: "Live", paused: "Paused", lost: "No connection; trying again" };
  let stream = null;
  let isFetching = false;
  let isBehind = false;

  const label = document.createElement("span");
  const button = document.createElement("button");
  button.type = "button";
  const bar = document.createElement("div");
  bar.className = "live";
  bar.append(label, button);
  document.querySelector(".title").append(bar);

  function show(state) {
    bar.className = `live ${state}`;
    label.textContent = TEXT[state];
    button.textContent = state === "paused" ? "Resume" : "Pause";
    button.setAttribute("aria-label", `${button.textContent} live updates`);
  }

  async function refresh() {
    if (isFetching) { isBehind = true; return; }
    isFetching = true;
    try {
      const answer = await fetch(location.href, { headers: { "Pwsync-Live": "1" }, credentials: "same-origin" });
      if (answer.redirected || answer.status === 403) { location.reload(); return; }
      if (answer.ok && stream) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      show("lost");
    } finally {
      isFetching = false;
      if (isBehind) { isBehind = false; refresh(); }
    }
  }

  // Whole regions come and go; one that a person is in keeps its focus, open parts and scroll position.
  function replace(fresh) {
    const regions = [...main.querySelectorAll("[data-region]")];
    const names = (list) => list.map((r) => r.dataset.region).join();
    const newer = [...fresh.querySelectorAll("main [data-region]")];
    if (names(regions) !== names(newer)) {
      keeping(main, () => {
        const kept = bar;
        main.replaceChildren(...fresh.querySelector("main").childNodes);
        main.querySelector(".title").append(kept);
      });
      return;
    }
    regions.forEach((old, i) => {
      if (old.isEqualNode(newer[i])) return;
      if (old.getAttribute("role") === "status") {
        old.className = newer[i].className;
        if (old.textContent !== newer[i].textContent) old.textContent = newer[i].textContent;
      } else {
        keeping(old, () => old.replaceChildren(...newer[i].childNodes));
      }
    });
  }

  function keeping(region, change) {
    const active = region.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = [...region.querySelectorAll(".scroll")].map((s) => s.scrollLeft);
    const path = active && where(active);
    change();
    region.querySelectorAll(".scroll").forEach((s, i) => { s.scrollLeft = scrolled[i] || 0; });
    const again = path && region.querySelector(path);
    if (again) again.focus({ preventScroll: true });
  }

  function where(element) {
    if (element.id) return `#${CSS.escape(element.id)}`;
    if (element.getAttribute("href")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
    const name = element.getAttribute("aria-label") || element.getAttribute("aria-labelledby");
    return name ? `[aria-label="${CSS.escape(name)}"], [aria-labelledby="${CSS.escape(name)}"]` : null;
  }

  function open() {
    stream = new EventSource("/live");
    stream.addEventListener("open", () => show("on"));
    stream.addEventListener("news", refresh);
    stream.onerror = () => {
      show("lost");
      if (stream && stream.readyState === EventSource.CLOSED) { close(); setTimeout(reopen, 10000); }
      refresh();
    };
  }

  function close() {
    if (stream) stream.close();
    stream = null;
  }

  function reopen() {
    if (!stream && !bar.classList.contains("paused") && !document.hidden) open();
  }

  button.addEventListener("click", () => {
    if (bar.classList.contains("paused")) { open(); show("on"); refresh(); } else { close(); show("paused"); }
  });
  document.addEventListener("visibilitychange", () => {
    if (bar.classList.contains("paused")) return;
    if (document.hidden) close(); else if (!stream) { open(); refresh(); }
  });
  addEventListener("pagehide", close);
  show("on");
  if (!document.hidden) open();
})();
