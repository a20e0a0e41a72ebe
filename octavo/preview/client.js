// Keeps the page as the site's files are: morphs it when they change, and shows what is wrong with them over it.
//
// It talks to the preview over a WebSocket, in JSON. messages.py has the same messages, with what they mean; a test
// holds the kinds against each other.
//
// From the preview:
//   {kind: "page", version, html}                 the page is this one now
//   {kind: "problems", problems: [problem], count}  the first errors of the site, and how many there are
//   {kind: "state", source, hidden: {href: "draft" | "future"}}  the page's source, and the posts a build leaves out
//   {kind: "panel", about}                        what the panel shows
//   {kind: "say", text}                           a notice for the author
//   {kind: "files", urls: [href]}                 files that have another content now
//   {kind: "moved", url}                          the post has this href now
//   {kind: "gone"}                                there is no such page any more
//   {kind: "reload"}                              what is shown stands in the page's place: load it
// where a problem is {text, message, where}, and of a file's also {path, line, column, width, code, hint, during,
// lines: [[number, text]], chain: [layout]}; and about is {url, source, layouts, inputs, problems}, and of a post's page
// also {status, words, minutes, backlinks: [{title, url}], related: [{title, url, score, reasons}],
// insight: [{title, items}]}.
//
// To the preview:
//   {kind: "hello", path, version}                the tab shows what stands at this path, in this version; said first
//   {kind: "panel", wanted}                       the panel is opened or closed
//   {kind: "open", path, line, column}            open a file in the author's editor
(() => {
  "use strict";
  const own = document.currentScript;
  const token = own.dataset.token;
  let version = own.dataset.version;
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");

  // What the server sent of each node of the page: {hash, attrs} of an element, {hash} of any other. Nodes that scripts
  // added have none. What is the same in two pages from the server is left as scripts and readers have made it.
  const sent = new WeakMap();

  // The line of the source at which a block begins. Nodes that differ in it alone are the same.
  const IGNORED = "data-line";
  const FLASH_MILLISECONDS = 900, NOTICE_MILLISECONDS = 8000;
  const FIRST_RETRY_MILLISECONDS = 250, LATEST_RETRY_MILLISECONDS = 4000;
  const FLASHED_BLOCKS = 20;
  // Lists of children are aligned by a table of so many entries at most; those that would need more are replaced.
  const ALIGNED_PAIRS = 250000;

  const mix = (hash, text) => {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16777619);
    return hash;
  };
  const kindOf = node => node.nodeType === 1 ? node.localName : `#${node.nodeType}`;
  const isOurs = node => node.nodeType === 1 && node.localName === "script" && /^\/_octavo\//.test(node.getAttribute("src") || "");
  // Others are data: JSON, and what a browser may fetch in advance.
  const isCode = script => /^(|module|importmap|(text|application)\/(java|ecma)script)$/i.test(script.type.trim());
  const childrenOf = node => [...node.childNodes].filter(child => !isOurs(child));

  // The hashes of a page from the server, by node.
  const hashed = root => {
    const hashes = new Map();
    const visit = node => {
      let hash = mix(2166136261, kindOf(node));
      if (node.nodeType === 1) {
        for (const attribute of [...node.attributes].sort((a, b) => a.name < b.name ? -1 : 1))
          if (attribute.name !== IGNORED) hash = mix(hash, ` ${attribute.name}=${attribute.value}`);
        if (node.localName === "noscript") hash = mix(hash, node.textContent || node.innerHTML);
        else for (const child of childrenOf(node)) hash = Math.imul(hash ^ visit(child), 16777619);
      } else hash = mix(hash, node.nodeValue || "");
      hashes.set(node, hash);
      return hash;
    };
    visit(root);
    return hashes;
  };

  const attributesOf = element => new Map([...element.attributes].map(one => [one.name, one.value]));
  const remember = (live, from, hashes) => {
    sent.set(live, {hash: hashes.get(from), attrs: from.nodeType === 1 ? attributesOf(from) : null});
  };

  // Say of each live node which one of the page from the server it is.
  const match = (live, from, hashes) => {
    remember(live, from, hashes);
    if (live.nodeType !== 1 || live.localName === "noscript") return;
    const nodes = childrenOf(live);
    let at = 0;
    for (const child of childrenOf(from)) {
      const position = nodes.findIndex((node, index) => index >= at && isSameNode(node, child));
      if (position < 0) continue;
      match(nodes[position], child, hashes);
      at = position + 1;
    }
  };
  const isSameNode = (node, other) => kindOf(node) === kindOf(other) &&
    (node.nodeType !== 1 || (node.getAttribute("id") || "") === (other.getAttribute("id") || "")) &&
    (node.nodeType === 1 || (node.nodeValue || "").trim() === (other.nodeValue || "").trim());

  const parse = html => new DOMParser().parseFromString(html, "text/html").documentElement;

  // Morphing: down to the smallest elements that differ between the page that was sent before and the one sent now.
  const morph = fresh => {
    const hashes = hashed(fresh);
    const changed = [];
    const added = node => {
      const walk = (live, from) => {
        remember(live, from, hashes);
        const nodes = live.childNodes;
        from.childNodes.forEach((child, index) => nodes[index] && walk(nodes[index], child));
      };
      return from => walk(node, from);
    };
    const copyOf = from => {
      const node = document.importNode(from, true);
      added(node)(from);
      return node;
    };
    const setAttributes = (live, from) => {
      const before = sent.get(live)?.attrs ?? new Map();
      const now = attributesOf(from);
      for (const [name, value] of now) if (before.get(name) !== value) live.setAttribute(name, value);
      for (const name of before.keys()) if (!now.has(name)) live.removeAttribute(name);
    };
    const update = (live, from) => {
      if (sent.get(live)?.hash === hashes.get(from)) return;
      if (live.nodeType !== 1) {
        if (live.nodeValue !== from.nodeValue) {
          live.nodeValue = from.nodeValue;
          if (live.parentElement) changed.push(live.parentElement);
        }
        remember(live, from, hashes);
        return;
      }
      if (live.localName === "head") head(live, from);
      else if (isPlain(live) && isPlain(from)) {
        // Words and inline markup: idiomorph finds what has stayed.
        Idiomorph.morph(live, from, {callbacks: {
          beforeAttributeUpdated: (name, element) => {
            const before = sent.get(element)?.attrs;
            return !(before && element !== live && before.get(name) === element.getAttribute(name)) || name === IGNORED;
          },
        }});
        match(live, from, hashes);
        changed.push(live);
        return;
      } else {
        setAttributes(live, from);
        children(live, from);
      }
      remember(live, from, hashes);
    };
    const isPlain = element => element.childElementCount <= 40 && /^(p|li|h[1-6]|td|th|dt|dd|figcaption|summary|pre|code|span|a|em|strong|time|small)$/.test(element.localName) &&
      ![...element.getElementsByTagName("*")].some(child => /^(ul|ol|details|input|textarea|select|video|audio|iframe|table|script|button|picture|img)$/.test(child.localName) || !sent.has(child) && element.isConnected);
    // The children, aligned: those that are the same at both ends, then the longest common sequence of the rest.
    const children = (parent, from) => {
      const old = childrenOf(parent).filter(node => sent.has(node));
      const now = childrenOf(from);
      const same = (a, b) => sent.get(a).hash === hashes.get(b);
      let first = 0, oldEnd = old.length, nowEnd = now.length;
      while (first < oldEnd && first < nowEnd && same(old[first], now[first])) first++;
      while (oldEnd > first && nowEnd > first && same(old[oldEnd - 1], now[nowEnd - 1])) { oldEnd--; nowEnd--; }
      const pairs = aligned(old.slice(first, oldEnd), now.slice(first, nowEnd), same);
      let place = old[oldEnd] ?? null;
      if (!place) {
        // Behind the last node that the server sent, before what scripts put at the end.
        const last = old[old.length - 1];
        place = last && last.parentNode === parent ? last.nextSibling : null;
      }
      for (const [node, target] of pairs.reverse()) {
        if (node && target) { update(node, target); place = node; }
        else if (node) node.remove();
        else {
          const copy = copyOf(target);
          parent.insertBefore(copy, place);
          place = copy;
          changed.push(copy.nodeType === 1 ? copy : parent);
        }
      }
      if (pairs.some(([, target]) => !target)) changed.push(parent);
    };
    const aligned = (old, now, same) => {
      const pairs = [];
      if (old.length * now.length > ALIGNED_PAIRS) {
        old.forEach(node => pairs.push([node, null]));
        now.forEach(node => pairs.push([null, node]));
        return pairs;
      }
      const width = now.length + 1;
      const longest = new Uint16Array((old.length + 1) * width);
      for (let a = old.length - 1; a >= 0; a--)
        for (let b = now.length - 1; b >= 0; b--)
          longest[a * width + b] = same(old[a], now[b]) ? longest[(a + 1) * width + b + 1] + 1
            : Math.max(longest[(a + 1) * width + b], longest[a * width + b + 1]);
      let a = 0, b = 0, gone = [], come = [];
      const flush = () => {
        // What stands between two nodes that have stayed: one after the other of a kind is the same, changed.
        let rest = come;
        for (const node of gone) {
          const position = rest.findIndex(other => kindOf(other) === kindOf(node) && isSameId(node, other));
          if (position < 0) { pairs.push([node, null]); continue; }
          rest.slice(0, position).forEach(other => pairs.push([null, other]));
          pairs.push([node, rest[position]]);
          rest = rest.slice(position + 1);
        }
        rest.forEach(other => pairs.push([null, other]));
        gone = []; come = [];
      };
      while (a < old.length || b < now.length) {
        if (a < old.length && b < now.length && same(old[a], now[b])) { flush(); pairs.push([old[a++], now[b++]]); }
        else if (b >= now.length || (a < old.length && longest[(a + 1) * width + b] >= longest[a * width + b + 1])) gone.push(old[a++]);
        else come.push(now[b++]);
      }
      flush();
      return pairs;
    };
    const isSameId = (node, other) => node.nodeType !== 1 || (sent.get(node).attrs.get("id") ?? "") === (other.getAttribute("id") ?? "");
    // A style sheet is there before the one that it replaces goes: the page is never without.
    const head = (live, from) => {
      const old = childrenOf(live).filter(node => sent.has(node));
      const now = childrenOf(from);
      const left = new Set(old);
      for (const target of now) {
        const stays = old.find(node => left.has(node) && sent.get(node).hash === hashes.get(target));
        if (stays) { left.delete(stays); continue; }
        if (target.nodeType !== 1) continue;
        if (target.localName === "title") document.title = target.textContent;
        const before = old.find(node => left.has(node) && node.nodeType === 1 && node.localName === target.localName &&
          (node.getAttribute("rel") || node.getAttribute("name") || node.getAttribute("property") || "") ===
          (target.getAttribute("rel") || target.getAttribute("name") || target.getAttribute("property") || ""));
        const copy = copyOf(target);
        if (before) left.delete(before);
        const removeBefore = () => before?.remove();
        if (copy.localName === "link" && copy.rel === "stylesheet") {
          copy.addEventListener("load", removeBefore, {once: true});
          copy.addEventListener("error", removeBefore, {once: true});
          before ? before.after(copy) : live.append(copy);
        } else {
          before ? before.after(copy) : live.append(copy);
          removeBefore();
        }
      }
      left.forEach(node => node.remove());
    };
    const scripts = root => [...root.querySelectorAll("script")].filter(script => !isOurs(script) && isCode(script)).map(script => script.outerHTML).join("\n");
    if (base !== null && scripts(base) !== scripts(fresh)) { location.reload(); return []; }
    update(document.documentElement, fresh);
    lines(fresh);
    base = fresh;
    return changed.filter(node => node.isConnected && document.body.contains(node));
  };

  // The lines of the source, which may move though nothing else has changed.
  const lines = fresh => {
    const now = fresh.querySelectorAll(`[${IGNORED}]`), live = document.querySelectorAll(`[${IGNORED}]`);
    if (now.length === live.length) now.forEach((from, index) => live[index].setAttribute(IGNORED, from.getAttribute(IGNORED)));
  };

  // The author sees the change: a flash, and the block in view unless they have scrolled away from what they wrote last.
  let away = false;
  for (const kind of ["wheel", "touchmove", "keydown"]) addEventListener(kind, event => {
    if (kind !== "keydown" || /^(Arrow|Page|Home|End| )/.test(event.key)) away = true;
  }, {passive: true, capture: true});
  const isInView = element => {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  };
  const reveal = changed => {
    const blocks = changed.filter(one => !changed.some(other => other !== one && one.contains(other)));
    const visible = blocks.filter(block => block.getClientRects().length && block !== document.body);
    for (const block of visible.slice(0, FLASHED_BLOCKS)) {
      if (quiet.matches) break;
      block.animate([{backgroundColor: "rgb(255 213 79 / .55)"}, {backgroundColor: "rgb(255 213 79 / 0)"}], {duration: FLASH_MILLISECONDS, easing: "ease-out"});
    }
    const main = visible.find(block => block.closest("main, article")) ?? visible[0];
    if (!main) return;
    if (visible.some(isInView)) { away = false; return; }
    const busy = document.activeElement && /^(input|textarea|select)$/i.test(document.activeElement.localName);
    const selected = !(getSelection()?.isCollapsed ?? true);
    if (away || busy || selected) return;
    main.scrollIntoView({block: "center", behavior: quiet.matches ? "auto" : "smooth"});
  };

  // Images and other files whose address stays the same.
  const refresh = urls => {
    const stamp = Date.now();
    const changed = address => { try { return urls.includes(new URL(address, location.href).pathname); } catch { return false; } };
    for (const element of document.querySelectorAll("img[src], source[srcset], source[src], video[src], audio[src], video[poster], link[rel~=icon][href]")) {
      for (const name of ["src", "poster", "href"]) {
        const value = element.getAttribute(name);
        if (value && changed(value)) element.setAttribute(name, `${value.split("?")[0]}?v=${stamp}`);
      }
    }
  };

  // The overlay, in a shadow of its own: the page's style does not reach it, nor its own the page. All text is text.
  const make = (name, attributes = {}, ...content) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) key === "onclick" ? element.addEventListener("click", value) : element.setAttribute(key, value);
    element.append(...content);
    return element;
  };
  const STYLE = `
    :host { all: initial; color-scheme: dark; }
    * { box-sizing: border-box; }
    .overlay { position: fixed; inset: auto 1rem 1rem; max-width: 64rem; margin-inline: auto; max-height: 70vh; overflow: auto; z-index: 2147483647; padding: 1.25rem 1.5rem;
      border-radius: .75rem; background: #24161a; color: #f6e9e9; border: 1px solid #7a3540; box-shadow: 0 1rem 3rem rgb(0 0 0 / .45);
      font: 15px/1.5 system-ui, sans-serif; }
    .overlay[hidden], .badge[hidden] { display: none; }
    article + article { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid #55313a; }
    h2 { margin: 0; font: 600 17px/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
    p { margin: .35rem 0; overflow-wrap: anywhere; }
    pre { margin: .6rem 0; padding: .6rem .8rem; overflow: auto; background: #180e11; border-radius: .4rem; font: 13px/1.55 ui-monospace, monospace; }
    .fault { color: #ffb4b4; } .where, .hint, .chain { color: #d9bfc2; }
    button { font: inherit; color: inherit; background: #3b232a; border: 1px solid #7a3540; border-radius: .4rem; padding: .1rem .6rem; cursor: pointer; }
    .close { float: right; margin-left: 1rem; }
    .state { position: fixed; inset: .75rem auto auto 50%; translate: -50%; z-index: 2147483645; background: #7a5200; color: #fff;
      border-radius: 99px; padding: .25rem .9rem; font: 600 13px/1.4 system-ui, sans-serif; pointer-events: none; }
    .knob { position: fixed; inset: auto auto 1rem 1rem; z-index: 2147483645; width: 2.25rem; height: 2.25rem; padding: 0; border-radius: 99px;
      background: #22262b; color: #e8e8e8; border: 1px solid #4a525c; font: 600 15px/1 system-ui, sans-serif; opacity: .55; }
    .knob:hover, .knob:focus-visible { opacity: 1; }
    .panel { position: fixed; inset: 1rem auto 4rem 1rem; width: min(26rem, calc(100vw - 2rem)); overflow: auto; z-index: 2147483645; padding: 1rem 1.25rem;
      border-radius: .75rem; background: #1b1f24; color: #e8e8e8; border: 1px solid #4a525c; box-shadow: 0 1rem 3rem rgb(0 0 0 / .45); font: 14px/1.5 system-ui, sans-serif; }
    .panel h2 { font-size: 13px; margin: 1rem 0 .25rem; color: #aeb8c4; } .panel h2:first-of-type { margin-top: 0; }
    .panel button { background: #2b3138; border-color: #4a525c; } .panel li + li { margin-top: .3rem; }
    .panel ul { margin: 0; padding-left: 1.1rem; } .panel a { color: #9ecbff; } .panel small { color: #aeb8c4; display: block; }
    .panel code { font: 12px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; } .panel pre { background: #12151a; }
    .notice { position: fixed; inset: auto 1rem 4rem auto; z-index: 2147483647; max-width: 30rem; background: #22262b; color: #e8e8e8; border-radius: .5rem;
      padding: .6rem 1rem; font: 14px/1.5 system-ui, sans-serif; }
    .badge { position: fixed; inset: auto 1rem 1rem auto; z-index: 2147483646; background: #a3293d; color: #fff; border: 0; border-radius: 99px;
      padding: .3rem .9rem; font: 600 14px/1.4 system-ui, sans-serif; }`;
  let host = null, root = null;
  const shadow = () => {
    if (!root) {
      host = make("octavo-preview", {"aria-live": "polite"});
      root = host.attachShadow({mode: "open"});
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    }
    if (!host.isConnected) document.body.append(host);
    return root;
  };
  let problems = [], total = 0, hidden = false;
  const showProblems = (fresh, count) => {
    const before = JSON.stringify(problems.map(problem => problem.text));
    problems = fresh;
    total = count ?? fresh.length;
    if (before !== JSON.stringify(fresh.map(problem => problem.text))) hidden = false;
    drawProblems();
  };
  const drawProblems = () => {
    const place = shadow();
    place.querySelectorAll(".overlay, .badge").forEach(element => element.remove());
    if (!problems.length) return;
    const count = `${total.toLocaleString("en")} ${total === 1 ? "error" : "errors"}`;
    if (hidden) {
      place.append(make("button", {class: "badge", type: "button", onclick: () => { hidden = false; drawProblems(); }}, count));
      return;
    }
    const hide = () => { hidden = true; drawProblems(); };
    place.append(make("div", {class: "overlay", role: "alert", "aria-label": count},
      make("button", {class: "close", type: "button", title: "Esc", onclick: hide}, "Hide"), ...problems.map(describeProblem),
      ...(total > problems.length ? [make("p", {}, `and ${(total - problems.length).toLocaleString("en")} more: octavo check shows all`)] : [])));
  };
  const describeProblem = problem => {
    const parts = [make("h2", {}, problem.message || problem.text)];
    if (problem.where) {
      const where = make("p", {class: "where"}, problem.where, " ");
      if (problem.path) where.append(make("button", {type: "button", class: "open", onclick: () => openInEditor(problem.path, problem.line, problem.column)}, "Open in editor"));
      parts.push(where);
    }
    if (problem.lines?.length) {
      const width = String(problem.lines[problem.lines.length - 1][0]).length;
      const code = make("pre", {});
      for (const [number, text] of problem.lines) {
        const isFault = number === problem.line;
        code.append(make("span", isFault ? {class: "fault"} : {}, `${String(number).padStart(width)} | ${text}\n`));
        if (isFault && problem.column) code.append(make("span", {class: "fault"},
          `${" ".repeat(width)} | ${text.slice(0, problem.column - 1).replace(/[^\t]/g, " ")}${"^".repeat(Math.max(1, Math.min(problem.width, text.length - problem.column + 1)))}\n`));
      }
      parts.push(code);
    }
    if (problem.hint) parts.push(make("p", {class: "hint"}, `Hint: ${problem.hint}`));
    if (problem.during) parts.push(make("p", {class: "chain"}, `While rendering ${problem.during}`, problem.chain?.length ? `, through ${problem.chain.join(" → ")}` : ""));
    return make("article", {}, ...parts);
  };
  // What the author is told of the page: a badge on what a build would leave out, and a panel.
  let state = {source: null, hidden: {}}, panel = null, isPanelOpen = false;
  const marks = new CSSStyleSheet();
  const WORDS = {draft: "draft", future: "to come"};
  const showState = fresh => {
    state = fresh;
    const place = shadow();
    place.querySelectorAll(".state, .knob").forEach(element => element.remove());
    const own = fresh.hidden[location.pathname];
    if (own) place.append(make("div", {class: "state"}, own === "draft" ? "Draft: a build leaves it out" : "To come: a build leaves it out until its date"));
    place.append(make("button", {class: "knob", type: "button", title: "About this page", "aria-label": "About this page", onclick: togglePanel}, "i"));
    marks.replaceSync(Object.entries(fresh.hidden).slice(0, 500).map(([href, kind]) =>
      `a[href="${href.replace(/["\\]/g, "\\$&")}"]::after { content: " (${WORDS[kind]})"; font: italic .8em system-ui, sans-serif; opacity: .75; }`).join("\n"));
    if (!document.adoptedStyleSheets.includes(marks)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, marks];
  };
  const togglePanel = () => {
    isPanelOpen = !isPanelOpen;
    panel?.remove();
    panel = null;
    send({kind: "panel", wanted: isPanelOpen});
  };
  const list = (title, items) => items.length ? [make("h2", {}, title), make("ul", {}, ...items.map(item => make("li", {}, ...item)))] : [];
  const showPanel = about => {
    if (!isPanelOpen) return;
    const scrolled = panel?.scrollTop ?? 0;
    panel?.remove();
    const parts = [];
    if (about.status) parts.push(make("h2", {}, "Status"), make("p", {}, about.status));
    if (about.source) {
      parts.push(make("p", {}, `${about.words} words, ${about.minutes} min `,
        make("button", {type: "button", class: "edit", onclick: () => openInEditor(about.source, 1, 1)}, "Open in editor")));
    }
    parts.push(...list("Problems", (about.problems ?? []).map(text => [make("pre", {}, text)])));
    parts.push(...list("Related, with scores and reasons", (about.related ?? []).map(one =>
      [make("a", {href: one.url}, one.title), ` ${one.score}`, make("small", {}, one.reasons.join(", "))])));
    for (const kind of about.insight ?? []) parts.push(...list(kind.title, kind.items.map(text => [text])));
    parts.push(...list("Linked from", (about.backlinks ?? []).map(one => [make("a", {href: one.url}, one.title)])));
    parts.push(...list("Layouts", (about.layouts ?? []).map(name => [make("code", {}, name)])));
    parts.push(...list("Made from", (about.inputs ?? []).map(text => [make("code", {}, text)])));
    panel = make("div", {class: "panel", role: "complementary", "aria-label": "About this page"},
      make("button", {class: "close", type: "button", onclick: togglePanel}, "Close"), ...parts);
    shadow().append(panel);
    panel.scrollTop = scrolled;
  };
  const showNotice = text => {
    const notice = make("div", {class: "notice", role: "status"}, text);
    shadow().append(notice);
    setTimeout(() => notice.remove(), NOTICE_MILLISECONDS);
  };
  // With Alt, a click leads to the line of the source.
  addEventListener("click", event => {
    if (!event.altKey || !state.source || event.composedPath().includes(host)) return;
    event.preventDefault();
    event.stopPropagation();
    const block = event.target.closest?.(`[${IGNORED}]`);
    openInEditor(state.source, block ? Number(block.getAttribute(IGNORED)) : 1, 1);
  }, {capture: true});
  addEventListener("keydown", event => {
    if (event.key === "Escape" && problems.length && !hidden) { hidden = true; drawProblems(); }
  }, {capture: true});

  // The socket.
  let socket = null, base = null, retryMilliseconds = FIRST_RETRY_MILLISECONDS;
  const send = message => socket?.readyState === 1 && socket.send(JSON.stringify(message));
  const openInEditor = (path, line, column) => send({kind: "open", path, line, column});
  const handlers = {
    page(message) {
      const fresh = parse(message.html);
      if (base === null && message.version === version) {
        base = fresh;
        match(document.documentElement, fresh, hashed(fresh));
        return;
      }
      if (base === null) return location.reload();
      version = message.version;
      let changed;
      try { changed = morph(fresh); } catch { return location.reload(); }
      reveal(changed);
      dispatchEvent(new CustomEvent("octavo:shown", {detail: message.version}));
    },
    problems(message) { showProblems(message.problems, message.count); },
    state(message) { showState(message); },
    panel(message) { showPanel(message.about); },
    say(message) { showNotice(message.text); },
    files(message) { refresh(message.urls); },
    moved(message) { location.replace(message.url); },
    gone() { showProblems([{text: "gone", message: "This page is gone: nothing makes it any more.", where: ""}]); },
    reload() { location.reload(); },
  };
  const connect = () => {
    socket = new WebSocket(`ws://${location.host}/_octavo/socket?token=${encodeURIComponent(token)}`);
    let opened = false;
    socket.addEventListener("open", () => {
      opened = true;
      retryMilliseconds = FIRST_RETRY_MILLISECONDS;
      send({kind: "hello", path: location.pathname, version});
      if (isPanelOpen) send({kind: "panel", wanted: isPanelOpen});
    });
    socket.addEventListener("message", event => {
      const message = JSON.parse(event.data);
      if (Object.hasOwn(handlers, message.kind)) handlers[message.kind](message);
    });
    socket.addEventListener("close", async () => {
      // Another preview may have taken the place of this one: its pages have another token.
      if (!opened) try {
        await fetch(location.href, {cache: "no-store"});
        return location.reload();
      } catch { /* the server is away: try again */ }
      setTimeout(connect, retryMilliseconds);
      retryMilliseconds = Math.min(retryMilliseconds * 2, LATEST_RETRY_MILLISECONDS);
    });
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", connect); else connect();
})();
