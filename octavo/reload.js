// Asks for the number of the build once in a while: loads the page again when it is another, shows problems over it.
(() => {
  let build = null, box = null;
  const show = text => {
    if (!text) { box?.remove(); box = null; return; }
    box ??= document.body.appendChild(document.createElement("pre"));
    box.setAttribute("role", "alert");
    box.textContent = text;
    box.style.cssText = "position:fixed;inset:auto 1rem 1rem;max-height:50vh;overflow:auto;z-index:9999;margin:0;" +
      "padding:1rem;border-radius:.5rem;background:#2b1113;color:#ffd9d9;font:14px/1.5 monospace;white-space:pre-wrap";
  };
  const ask = async () => {
    try {
      const state = await (await fetch("/_octavo/state", {cache: "no-store"})).json();
      if (build !== null && build !== state.build) return location.reload();
      build = state.build;
      show(state.problems);
    } catch {
      // The server is away for a moment, or for good: ask again.
    }
    setTimeout(ask, document.hidden ? 2000 : 300);
  };
  ask();
})();
