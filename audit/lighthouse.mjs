// node lighthouse.mjs MODULES CHROMIUM ADDRESS...: one line of JSON for each address, mobile and desktop.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, chromePath, ...addresses] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const imported = (name) => import(pathToFileURL(require.resolve(name)).href);
const { default: lighthouse } = await imported("lighthouse");
const { default: desktop } = await imported("lighthouse/core/config/desktop-config.js");
const { launch } = await imported("chrome-launcher");

const chrome = await launch({
  chromePath,
  chromeFlags: "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking".split(" "),
});
try {
  for (const address of addresses) {
    for (const [form, config] of [["mobile", undefined], ["desktop", desktop]]) {
      const { lhr } = await lighthouse(address, { port: chrome.port, logLevel: "silent" }, config);
      const scores = Object.fromEntries(
        Object.values(lhr.categories).map(({ id, score }) => [id, Math.round((score ?? 0) * 100)]));
      const counted = new Set(Object.values(lhr.categories).flatMap(({ auditRefs }) =>
        auditRefs.filter(({ weight }) => weight > 0).map(({ id }) => id)));
      const failed = Object.values(lhr.audits).filter(({ id, score }) => counted.has(id) && score !== null && score < 0.9);
      console.log(JSON.stringify({
        address, form, scores,
        error: lhr.runtimeError?.message ?? "",
        lcp: lhr.audits["largest-contentful-paint"].numericValue ?? null,
        cls: lhr.audits["cumulative-layout-shift"].numericValue ?? null,
        failed: failed.map(({ id, title, displayValue, details }) => [
          `${id}: ${title} ${displayValue ?? ""}`.trim(),
          ...(details?.items ?? []).slice(0, 3).map((item) =>
            item.node?.snippet ?? item.source?.url ?? item.description ?? item.url ?? "").filter(Boolean),
        ].join(" | ")),
      }));
    }
  }
} finally {
  chrome.kill();
}
