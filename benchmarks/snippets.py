"""Pieces of code in several languages, with names and numbers that hardly repeat.

``$a`` … ``$f`` stand for names, ``$n`` … ``$p`` for numbers, ``$s`` for a phrase.
"""

from __future__ import annotations

from random import Random
from string import Template

from benchmarks.words import Writer

SNIPPETS: dict[str, tuple[str, ...]] = {
    "python": (
        '''\
from dataclasses import dataclass


@dataclass(frozen=True)
class ${a}Record:
    """$s."""

    $b: int = $n
    $c: str = "$d"

    def $e(self, $f: list[int]) -> dict[str, float]:
        # $s
        total = sum(value * $o for value in $f if value > self.$b)
        return {"$d": total / max(1, len($f)), "$c": $p.5}


for number in range($n):
    print(f"{number:>4} {${a}Record(number).$e([1, 2, $o])}")
''',
        """\
import asyncio
from pathlib import Path


async def $a($b: Path, *, $c: float = $n.25) -> bytes | None:
    try:
        async with asyncio.timeout($c):
            return await asyncio.to_thread($b.read_bytes)
    except (OSError, TimeoutError) as $d:
        print("$s", $d)
        return None


$e = [asyncio.run($a(Path("$f") / str(index))) for index in range($o)]
""",
    ),
    "javascript": (
        """\
import { $a } from "./$b.js";

export class ${c}View extends HTMLElement {
  #$d = new Map([["$e", $n], ["$f", $o]]);

  async connectedCallback() {
    // $s
    const response = await fetch(`/api/$e?limit=$${this.#$d.size + $p}`);
    if (!response.ok) throw new Error("$s");
    for (const { id, title } of await response.json()) {
      this.append($a(id ?? $n, title?.trim() || null));
    }
  }
}
""",
        """\
const $a = (items, { $b = $n, ...rest } = {}) =>
  items
    .filter((item) => item.$c !== undefined && item.$d >= $b)
    .map(({ $c, $d }) => ({ $c, $d: $d * $o, ...rest }))
    .reduce((sum, { $d }) => sum + $d, 0);

/* $s */
document.querySelectorAll(".$e-$f").forEach((node, index) => {
  node.addEventListener("click", () => console.log(index, $a([{ $c: true, $d: $p }])));
});
""",
    ),
    "rust": (
        """\
use std::collections::HashMap;

/// $s.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    $a: &'a str,
    $b: Vec<u64>,
}

pub fn $c<'a>(lines: impl Iterator<Item = &'a str>) -> Result<HashMap<&'a str, Entry<'a>>, String> {
    let mut $d = HashMap::with_capacity($n);
    for line in lines {
        let (key, rest) = line.split_once('=').ok_or_else(|| format!("$e: {line}"))?;
        let $b = rest.split(',').filter_map(|part| part.parse::<u64>().ok()).collect();
        $d.insert(key, Entry { $a: rest, $b });
    }
    match $d.len() {
        0 => Err("$s".into()),
        $o..=$p => Ok($d),
        _ => Ok($d),
    }
}
""",
    ),
    "html": (
        """\
<form class="$a" action="/$b" method="post">
  <!-- $s -->
  <label for="$c">$s</label>
  <input id="$c" name="$d" type="number" min="$n" max="$o" required>
  <button type="submit" data-$e="$p">$f</button>
</form>
<script>
  document.forms[0].addEventListener("submit", (event) => event.preventDefault());
</script>
""",
    ),
    "bash": (
        """\
set -euo pipefail
# $s
for $a in "$$HOME"/$b/*.log; do
  [[ -s "$$$a" ]] || continue
  grep -c '$c' "$$$a" | awk -v limit=$n '$$1 > limit { print "$d", $$1 }' >> /tmp/$e.txt
done
curl --fail --silent "https://$f.example/v$p?page=$o" | jq '.items[] | .name'
""",
        """\
$$ git switch --create $a-$n
$$ python -m $b --limit $o --output /tmp/$c
$$ docker run --rm -p $n:$p -v "$$PWD/$d:/srv" $e:latest
""",
    ),
    "sql": (
        """\
-- $s
WITH $a AS (
  SELECT $b, count(*) AS total, max($c) AS newest
  FROM $d
  WHERE $c >= DATE '2020-01-01' AND $b NOT IN ('$e', '$f')
  GROUP BY $b
  HAVING count(*) > $n
)
SELECT t.$b, t.total, coalesce(p.name, '$s')
FROM $a AS t LEFT JOIN people AS p ON p.id = t.$b
ORDER BY t.total DESC LIMIT $o OFFSET $p;
""",
    ),
    "toml": (
        """\
# $s
[$a]
$b = "$s"
$c = $n
$d = [$o, $p]

[[$a.$e]]
name = "$f"
released = 2024-05-0$q
enabled = true
""",
    ),
    "css": (
        """\
.$a > .$b:not(:last-child)::after {
  content: "$c";
  margin: ${n}px auto calc(${q}rem + 1vw);
  color: rgb($o $p 80 / 60%);
  --$d-$e: clamp(1rem, ${q}.5vw, 3rem); /* $s */
}

@media (prefers-color-scheme: dark) and (min-width: ${n}em) {
  .$f { background: var(--$d-$e); }
}
""",
    ),
    "json": (
        """\
{
  "$a": {"$b": $n, "$c": [true, false, null, $o.25]},
  "$d": "$s",
  "$e": {"$f": "$s", "limit": $p}
}
""",
    ),
    "go": (
        """\
package main

import "fmt"

// $s
func walk(items []string, limit int) (map[string]int, error) {
	$a := make(map[string]int, $n)
	for index, item := range items {
		if index > limit*$o {
			return nil, fmt.Errorf("$s: %q after %d", item, index)
		}
		$a[item+"$b"] += len("$c") + $p
	}
	defer func() { fmt.Println("$d", "$e", "$f") }()
	return $a, nil
}
""",
    ),
}

LANGUAGES = ("python", "python", "javascript", "rust", "html", "bash", "sql", "toml", "css", "json", "go")


def snippet(rng: Random, writer: Writer) -> str:
    """One fenced block: a whole piece now and then, more often a few lines of one."""
    language = rng.choice(LANGUAGES)
    names = {key: writer.name() for key in "abcdef"}
    numbers = {key: str(rng.randint(2, 255)) for key in "nop"}
    code = Template(rng.choice(SNIPPETS[language])).substitute(
        names, **numbers, q=str(rng.randint(1, 9)), s=writer.phrase(3, 8)
    )
    lines = code.splitlines()
    if rng.random() < 0.8:
        count = rng.randint(3, 9)
        start = rng.randrange(max(1, len(lines) - count))
        lines = lines[start : start + count]
    return "\n".join([f"```{language}", *lines, "```"])
