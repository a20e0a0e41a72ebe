import rss from "@11ty/eleventy-plugin-rss";
import highlight from "@11ty/eleventy-plugin-syntaxhighlight";

const PER_PAGE = 10;

// For each post the four others that share most tags with it, newest first, through an index by tag.
function relatedPosts(posts) {
  const byTag = new Map();
  posts.forEach((post, index) => {
    for (const tag of post.data.tags ?? []) {
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(index);
    }
  });
  const lists = new Map();
  posts.forEach((post, index) => {
    const shared = new Map();
    for (const tag of post.data.tags ?? []) {
      for (const other of byTag.get(tag)) shared.set(other, (shared.get(other) ?? 0) + 1);
    }
    shared.delete(index);
    const best = [...shared].sort((a, b) => b[1] - a[1] || b[0] - a[0]).slice(0, 4);
    lists.set(post.url, best.map(([other]) => posts[other]));
  });
  return lists;
}

export default function (config) {
  config.addPlugin(rss);
  config.addPlugin(highlight);
  config.addPassthroughCopy({ static: "/", images: "/posts/" });

  config.addCollection("posts", (api) => api.getFilteredByGlob("posts/*.md"));
  config.addCollection("years", (api) => {
    const years = new Map();
    for (const post of api.getFilteredByGlob("posts/*.md").reverse()) {
      const year = post.date.getUTCFullYear();
      if (!years.has(year)) years.set(year, []);
      years.get(year).push(post);
    }
    return [...years].map(([year, posts]) => ({ year, posts }));
  });
  config.addCollection("tagPages", (api) => {
    const tags = new Map();
    for (const post of api.getFilteredByGlob("posts/*.md").reverse()) {
      for (const tag of post.data.tags ?? []) {
        if (!tags.has(tag)) tags.set(tag, []);
        tags.get(tag).push(post);
      }
    }
    return [...tags].flatMap(([tag, posts]) => {
      const total = Math.ceil(posts.length / PER_PAGE);
      return Array.from({ length: total }, (_, number) => ({
        tag,
        total,
        number: number + 1,
        count: posts.length,
        posts: posts.slice(number * PER_PAGE, (number + 1) * PER_PAGE),
      }));
    });
  });

  let lists = new Map();
  let known = null;
  config.addFilter("related", (posts, url) => {
    if (posts !== known) {
      known = posts;
      lists = relatedPosts(posts);
    }
    return lists.get(url) ?? [];
  });
  // The first words of a post, worked out once for each.
  const excerpts = new Map();
  config.addFilter("excerpt", (post) => {
    if (!excerpts.has(post.url)) {
      const text = (post.content ?? "").replace(/<[^>]*>/g, "").replace(/\s+/g, " ").trim();
      excerpts.set(post.url, text.length > 200 ? text.slice(0, 200) + "…" : text);
    }
    return excerpts.get(post.url);
  });
  config.on("eleventy.before", () => {
    known = null;
    excerpts.clear();
  });

  config.addFilter("last", (posts, count) => posts.slice(-count).reverse());
  config.addFilter("iso", (date) => date.toISOString());
  const days = new Intl.DateTimeFormat("en", { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });
  config.addFilter("day", (date) => days.format(date));

  return { markdownTemplateEngine: false, dir: { input: ".", includes: "_includes", output: "_site" } };
}
