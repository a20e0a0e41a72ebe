// The page is complete without this: it adds the switch between light and dark, and copy buttons.
const root = document.documentElement
const button = document.querySelector("button.theme")
const dark = matchMedia("(prefers-color-scheme: dark)")

button.onclick = () => {
  const shown = root.dataset.theme
  const next = (shown == "auto" ? dark.matches : shown == "dark") ? "light" : "dark"
  // Back at what the system says, the page follows the system again.
  root.dataset.theme = localStorage.theme = (next == "dark") == dark.matches ? "auto" : next
}

if (navigator.clipboard)
  for (const pre of document.querySelectorAll(".prose pre")) {
    const copy = document.createElement("button")
    copy.className = "copy"
    copy.textContent = "Copy"
    copy.onclick = async () => {
      await navigator.clipboard.writeText(pre.innerText)
      copy.textContent = "Copied"
      setTimeout(() => (copy.textContent = "Copy"), 2000)
    }
    pre.before(copy)
  }
