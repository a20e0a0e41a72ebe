// node extract.mjs MODULES: reads lines of JSON {name, url, file}, writes what Mozilla's Readability takes out of each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { JSDOM } = require("jsdom");
const { Readability } = require("@mozilla/readability");

for await (const line of createInterface({ input: process.stdin })) {
  const { name, url, file } = JSON.parse(line);
  const { window } = new JSDOM(readFileSync(file, "utf-8"), { url });
  const found = new Readability(window.document).parse();
  console.log(JSON.stringify({ name, title: found?.title ?? "", text: found?.textContent ?? "" }));
}
